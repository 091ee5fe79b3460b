package hermetic

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"dappco.re/go/cloche/internal/reapi"
)

// Engine names what runs modules here: this program and the kind of machine. A
// release is known by its version, any other build by the digest of its executable.
func Engine() (string, error) {
	build, err := buildOf(debug.ReadBuildInfo())
	return fmt.Sprintf("%s %s/%s", build, runtime.GOOS, runtime.GOARCH), err
}

// buildOf trusts a version only with the sum of the module that was downloaded: one
// that version control gave says nothing of replaced dependencies.
func buildOf(info *debug.BuildInfo, ok bool) (string, error) {
	if ok && info.Main.Sum != "" && info.Main.Replace == nil {
		return fmt.Sprintf("%s %s %s %s", info.Main.Path, info.Main.Version, info.Main.Sum, info.GoVersion), nil
	}
	file, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := reapi.NewHasher()
	if _, err := f.WriteTo(h); err != nil {
		return "", err
	}
	return "build " + h.Sum().String(), nil
}
