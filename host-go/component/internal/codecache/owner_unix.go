//go:build unix

package codecache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A cache is machine code, which the process runs. So only this user and root, who can do anything, may
// have written it, or be able to replace it. A process of root's trusts only root: a user's cache must not
// run with root's rights.

// own says whether a file is this user's or root's.
func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid())
}

// private says whether only a file's owner, who is this user or root, may have written to it.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 == 0 && own(info) }

// maxLinks is how many symbolic links the path of a cache may have.
const maxLinks = 32

// trusted returns why another user could put files into a folder, or another folder in its place; nil when
// none can. It looks at the whole path, through symbolic links, as far as it is there. A path may lead
// through folders like /tmp, in which each file is its owner's.
func trusted(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	for range maxLinks {
		target, err := trustedUntilLink(path)
		if target == "" || err != nil {
			return err
		}
		path = target
	}
	return fmt.Errorf("%s: too many symbolic links", path)
}

// trustedUntilLink looks at a path as far as its first symbolic link, and
// returns where that leads; "" where there is none.
func trustedUntilLink(path string) (target string, err error) {
	at, rest := "/", strings.TrimPrefix(path, "/")
	for {
		info, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", nil // It is this user who will make it.
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(at)
			if err == nil && !own(info) {
				err = notOwn(at, info)
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(at), to)
			}
			return filepath.Join(to, rest), err
		case !own(info):
			return "", notOwn(at, info)
		case writableByOthers(info) && info.Mode()&fs.ModeSticky == 0:
			return "", fmt.Errorf("others may write to %s (its mode is %v): take that right away (chmod go-w), or choose another folder", at, info.Mode().Perm())
		case rest == "":
			return "", nil
		}
		var next string
		next, rest, _ = strings.Cut(rest, "/")
		at = filepath.Join(at, next)
	}
}

// writableByOthers says whether anybody but the owner may write to a folder. A
// user's own group, which has the user's number and no other members, is the
// user; the group of number 0 is root's.
func writableByOthers(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	group := ok && info.Mode().Perm()&0o020 != 0 && stat.Gid != 0 && (stat.Gid != stat.Uid || int(stat.Gid) != os.Getegid())
	return !ok || group || info.Mode().Perm()&0o002 != 0
}

func notOwn(path string, info fs.FileInfo) error {
	owner := "another user"
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = fmt.Sprintf("user %d", stat.Uid)
	}
	return fmt.Errorf("%s belongs to %s, and this process runs as user %d: it would run what the other has put there; run it as that user, or choose another folder", path, owner, os.Geteuid())
}
