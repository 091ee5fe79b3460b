package kernel

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestANumberThatIsReusedNeverLeadsToAnotherFile has descriptors closed, moved
// and opened again while others read by them. A read that began on one file must
// not end on another, and no process may see a descriptor of its neighbour.
func TestANumberThatIsReusedNeverLeadsToAnotherFile(t *testing.T) {
	t.Parallel()
	const length = 64
	content := func(name string) string { return fmt.Sprintf("%-*s", length, name) }
	mine, _ := tree(t, map[string]string{"a": content("a"), "b": content("b")})
	theirs, _ := tree(t, map[string]string{"secret": content("secret")})
	p := start(t, Config{Root: mine})
	neighbour := start(t, Config{Root: theirs})
	allowed := []string{"", content("a"), content("b")}

	var all sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		all.Go(func() { // opens and closes
			for range 2000 {
				fd, err := p.Open(root, OpenRequest{Path: name, Base: fileRights})
				if assert.NoError(t, err) {
					p.CloseFD(fd) // it may be closed already
				}
			}
		})
	}
	all.Go(func() { // moves and closes whatever there is
		for i := range FD(4000) {
			p.Renumber(root+1+i%3, root+1+i%2)
			p.CloseFD(root + 1 + i%4)
		}
	})
	for range 2 {
		all.Go(func() { // reads by whatever there is
			b := make([]byte, length)
			for i := range FD(4000) {
				n, err := p.ReadAt(root+1+i%4, [][]byte{b}, 0)
				if err == nil {
					assert.Contains(t, allowed, string(b[:n]))
				}
			}
		})
	}
	all.Go(func() {
		for range 2000 {
			fd, err := neighbour.Open(root, OpenRequest{Path: "secret", Base: fileRights})
			if assert.NoError(t, err) {
				assert.NoError(t, neighbour.CloseFD(fd))
			}
		}
	})
	all.Wait()
}
