// Command userland is the file and text tools that every sandbox offers, in one program: the base name of the first argument says
// which of them to be, as in busybox. Under another name it takes the tool's name as the next argument.
package main

import (
	"fmt"
	"os"
	"strings"

	"dappco.re/go/cloche/userland/internal/diff"
	"dappco.re/go/cloche/userland/internal/digest"
	"dappco.re/go/cloche/userland/internal/files"
	"dappco.re/go/cloche/userland/internal/find"
	"dappco.re/go/cloche/userland/internal/grep"
	"dappco.re/go/cloche/userland/internal/jq"
	"dappco.re/go/cloche/userland/internal/sed"
	"dappco.re/go/cloche/userland/internal/shell"
	"dappco.re/go/cloche/userland/internal/text"
	"dappco.re/go/cloche/userland/internal/tool"
)

// command returns the command of a name, or nil.
func command(name string) tool.Command {
	for _, c := range commands {
		if c.name == name {
			return c.run
		}
	}
	return nil
}

// commands are sorted by name.
var commands = []struct {
	name string
	run  tool.Command
}{
	{"[", shell.Test},
	{"base64", digest.Base64},
	{"basename", shell.Basename},
	{"cat", text.Cat},
	{"comm", text.Comm},
	{"cp", files.Cp},
	{"cut", text.Cut},
	{"date", shell.Date},
	{"diff", diff.Diff},
	{"dirname", shell.Dirname},
	{"echo", shell.Echo},
	{"egrep", grep.Grep},
	{"env", shell.Env},
	{"false", shell.False},
	{"fgrep", grep.Grep},
	{"find", find.Find},
	{"grep", grep.Grep},
	{"head", text.Head},
	{"jq", jq.Jq},
	{"ln", files.Ln},
	{"ls", files.Ls},
	{"md5sum", digest.Md5sum},
	{"mkdir", files.Mkdir},
	{"mv", files.Mv},
	{"nl", text.Nl},
	{"printf", shell.Printf},
	{"pwd", shell.Pwd},
	{"readlink", files.Readlink},
	{"realpath", files.Realpath},
	{"rm", files.Rm},
	{"rmdir", files.Rmdir},
	{"sed", sed.Sed},
	{"seq", shell.Seq},
	{"sha1sum", digest.Sha1sum},
	{"sha256sum", digest.Sha256sum},
	{"sha512sum", digest.Sha512sum},
	{"sleep", shell.Sleep},
	{"sort", text.Sort},
	{"stat", files.Stat},
	{"tac", text.Tac},
	{"tail", text.Tail},
	{"tee", text.Tee},
	{"test", shell.Test},
	{"touch", files.Touch},
	{"tr", text.Tr},
	{"true", shell.True},
	{"uniq", text.Uniq},
	{"wc", text.Wc},
	{"yes", shell.Yes},
}

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	if len(args) == 0 {
		args = []string{"userland"}
	}
	name := args[0][strings.LastIndexByte(args[0], '/')+1:]
	name = strings.TrimSuffix(name, ".wasm")
	cmd := command(name)
	if cmd == nil && len(args) > 1 {
		args = args[1:]
		name = args[0]
		cmd = command(name)
	}
	if cmd == nil {
		fmt.Fprintf(os.Stderr, "userland: no program %s; there are: %s\n", tool.Quote(name), strings.Join(names(), " "))
		return 127
	}
	return tool.Run(cmd, &tool.Env{
		Name: name, Args: args[1:], Stdin: os.Stdin, Stdout: tool.NewOutput(os.Stdout), Stderr: os.Stderr, Environ: os.Environ(),
	})
}

func names() []string {
	var all []string
	for _, c := range commands {
		all = append(all, c.name)
	}
	return all
}
