package text

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"dappco.re/go/cloche/userland/internal/tool"
)

func TestManyLinesOfEqualKeysKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	want := make([]string, 3)
	for n := range 3000 {
		line := fmt.Sprintf("%d %d\n", n*7919%3, 3000-n)
		in.WriteString(line)
		want[n*7919%3] += line
	}
	var out bytes.Buffer
	for _, args := range [][]string{{"-s", "-k1,1n"}, {"-s", "-k1,1"}} {
		out.Reset()
		code := tool.Run(Sort, &tool.Env{Name: "sort", Args: args, Stdin: strings.NewReader(in.String()), Stdout: tool.NewOutput(&out)})
		if code != 0 || out.String() != strings.Join(want, "") {
			t.Errorf("%v: exit status %d, and another order", args, code)
		}
	}
}
