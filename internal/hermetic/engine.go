package hermetic

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"dappco.re/go/cloche/internal/reapi"
)

// Engine names what runs modules here: this program and the kind of machine. A
// release is known by its version and how it was built, any other build by the digest
// of its executable.
func Engine() (string, error) {
	build, err := buildOf(debug.ReadBuildInfo())
	return fmt.Sprintf("%s %s/%s", build, runtime.GOOS, runtime.GOARCH), err
}

// buildOf trusts a version only with the sum of the module that was downloaded: one
// that version control gave says nothing of replaced dependencies.
func buildOf(info *debug.BuildInfo, ok bool) (string, error) {
	if ok && info.Main.Sum != "" {
		return fmt.Sprintf("%s %s %s", info.Main.Path, info.Main.Version, reapi.Sum([]byte(info.String()))), nil
	}
	f, err := executable()
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

// executable opens what runs. By its name it may be another by now, which Linux alone
// can tell apart.
func executable() (*os.File, error) {
	if f, err := os.Open("/proc/self/exe"); err == nil {
		return f, nil
	}
	file, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.Open(file)
}
