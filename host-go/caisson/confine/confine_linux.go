package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	kernelcalls "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"github.com/caisson-dev/caisson/host-go/internal/confinement"
	"github.com/caisson-dev/caisson/host-go/internal/selfexec"
)

// name is the first argument of a process that is to become a command.
const name = "caisson-confine"

// These are the versions of Landlock's ABI that rules need. Before the third, whoever may not write to a file could
// still empty it.
const (
	abiFolders = 3
	abiPorts   = 4
)

// Check implements [confinement.Confiner].
func (kernel) Check(rules *confinement.Rules) error {
	have, err := kernelcalls.LandlockGetABIVersion()
	if err != nil {
		have = 0
	}
	if err := supports(rules, have, err); err != nil {
		return err
	}
	for _, folder := range slices.Concat(rules.Read, rules.Write) {
		if info, err := os.Stat(folder); err != nil {
			return fmt.Errorf("folders: %w", err)
		} else if !info.IsDir() {
			return fmt.Errorf("folders: %s is not a folder", folder)
		}
	}
	return nil
}

// supports finds what a version of the ABI lacks; 0 is none, for the cause that is given.
func supports(rules *confinement.Rules, have int, cause error) error {
	if _, ok := architectures[runtime.GOARCH]; !ok && rules.Ports {
		return &UnsupportedError{Key: "ports", Reason: "this can be done on amd64 and arm64, and this is " + runtime.GOARCH}
	}
	for key, need := range map[string]int{"folders": abiFolders, "ports": abiPorts} {
		if asked := map[string]bool{"folders": rules.Folders, "ports": rules.Ports}[key]; !asked || have >= need {
			continue
		}
		e := &UnsupportedError{Key: key, Have: have, Need: need}
		if have == 0 {
			e.Reason = "this kernel has no Landlock"
			if errors.Is(cause, unix.EOPNOTSUPP) {
				e.Reason = "Landlock is off in this kernel (the parameter lsm= turns it on)"
			}
		}
		return e
	}
	return nil
}

// Command implements [confinement.Confiner].
func (kernel) Command(rules *confinement.Rules, path string, argv []string) (string, []string, error) {
	text, err := json.Marshal(rules)
	if err != nil {
		return "", nil, err
	}
	program, err := selfexec.Program()
	if err != nil {
		return "", nil, err
	}
	return program, append([]string{name, string(text), path}, argv...), nil
}

// becomeCommand restricts this process and becomes the command, if it was started for that.
func becomeCommand() {
	if !selfexec.For(name, 3) {
		return
	}
	err := become(os.Args[1], os.Args[2], os.Args[3:])
	fmt.Fprintf(os.Stderr, "caisson: the command could not be started confined: %v\n", err)
	os.Exit(126) // as shells have it for what cannot be run
}

func become(text, path string, argv []string) error {
	var rules confinement.Rules
	if err := json.Unmarshal([]byte(text), &rules); err != nil {
		return err
	}
	// What the program has open is not the command's, whoever opened it.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("closing what is open: %w", err)
	}
	if err := restrict(&rules, path); err != nil {
		return err
	}
	err := syscall.Exec(path, argv, os.Environ())
	if errors.Is(err, fs.ErrPermission) && rules.Folders {
		return fmt.Errorf("%s: %w: what runs it, such as an interpreter, must be in one of its folders", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// restrict confines this process. With less than the rules demand it fails.
func restrict(rules *confinement.Rules, path string) error {
	have, err := kernelcalls.LandlockGetABIVersion()
	if err != nil {
		have = 0
	}
	if err := supports(rules, have, err); err != nil {
		return err
	}
	var config landlock.Config
	var allowed []landlock.Rule
	if rules.Folders {
		config.HandledAccessFS = handled(have)
		allowed = append(
			allowed,
			landlock.RODirs(systemFolders...).IgnoreIfMissing(),
			landlock.ROFiles(systemFiles...).IgnoreIfMissing(),
			landlock.RWFiles(devices...).IgnoreIfMissing(),
			landlock.ROFiles(path),
		)
		if len(rules.Read) > 0 {
			allowed = append(allowed, landlock.RODirs(rules.Read...))
		}
		if len(rules.Write) > 0 {
			allowed = append(allowed, landlock.RWDirs(rules.Write...).WithRefer())
		}
	}
	if rules.Ports {
		config.HandledAccessNet = landlock.V4.HandledAccessNet
		for _, port := range rules.Connect {
			allowed = append(allowed, landlock.ConnectTCP(port))
		}
	}
	if have >= 6 { // It reaches no process outside by signals, or by abstract sockets.
		config.Scoped = landlock.V6.Scoped
	}
	if err := config.Restrict(allowed...); err != nil || !rules.Ports {
		return err
	}
	return filterSockets()
}

// handled are the rights to files that a version of the ABI can take away.
func handled(abi int) landlock.AccessFSSet {
	switch {
	case abi >= 9: // with sockets that have a path
		return landlock.V9.HandledAccessFS
	case abi >= 5: // with devices
		return landlock.V5.HandledAccessFS
	}
	return landlock.V3.HandledAccessFS
}

// These are what programs need to run, and every command may use: programs and libraries, what names of hosts and
// certificates are looked up in, and devices that have nothing of anybody.
var (
	systemFolders = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/ca-certificates", "/etc/alternatives"}
	systemFiles   = []string{
		"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
		"/etc/services", "/etc/protocols", "/etc/passwd", "/etc/group", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/ssl/openssl.cnf", "/etc/os-release",
	}
	devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
)
