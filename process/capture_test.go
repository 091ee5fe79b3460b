package process

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCaptureKeepsHeadAndTailExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 40).Draw(t, "size")
		writes := rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 60)).Draw(t, "writes")
		c := newCapture(size)
		var all []byte
		for _, p := range writes {
			require.Equal(t, int64(len(all)), c.write(p))
			all = append(all, p...)
		}
		want, dropped := all, 0
		if len(all) > size {
			head, tail := size/2, size-size/2
			want = append(all[:head:head], all[len(all)-tail:]...)
			dropped = len(all) - size
		}
		kept, missing := c.snapshot()
		require.Equal(t, string(want), string(kept))
		require.Equal(t, int64(dropped), missing)
		require.Equal(t, int64(len(kept)), c.size())
		require.Equal(t, int64(len(all)), c.written())
	})
}

func TestCaptureOfNothingStillCounts(t *testing.T) {
	t.Parallel()
	c := newCapture(-1)
	c.write([]byte("gone"))
	kept, dropped := c.snapshot()
	require.Empty(t, kept)
	require.Equal(t, int64(4), dropped)
}
