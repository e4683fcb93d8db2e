package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
	"github.com/caisson-dev/caisson/host-go/internal/filelock"
)

// FileStoreOptions say where a [FileStore] is.
type FileStoreOptions struct {
	// Folder is the store's folder, which is made with the mode 0700 where it is not there. On Unix it must be this
	// user's, with no rights for others. It lies on a file system with locks; its path may have symbolic links.
	// Default: "caisson/credentials-v1" in [os.UserConfigDir]. The number is that of the store's layout, which
	// changes when a later release cannot read it any more, and not with each release.
	Folder string
	// Key keeps the key that the file is encrypted with. Default: a [FileKey], which protects nothing from whoever can
	// read the folder. Package keyring has better ones.
	Key KeySource
}

// A FileStore keeps its entries in one encrypted file, for all processes of a user on one machine. It is safe for
// concurrent use, and has nothing to be closed.
//
// The entries and their keys are encrypted and authenticated by AES-256-GCM, under a key that the [KeySource]
// keeps. Each call reads the file, and Save and Delete replace it: whenever a process or the machine stops, the
// file is the old one or the new one. A lock between processes keeps one from undoing what another did; a
// call that waits for it for [MaxTurnWait] fails with a [*BusyError].
//
// Lock is another lock, one for each key: it may be held for minutes, and keeps nobody from Load and Save. Goroutines
// and processes get it by turns; the operating system releases it when a process ends, however it ends.
//
// A file that cannot be read is set aside and never removed: the call fails with an [*UnreadableError], and the next
// one finds an empty store. What another user could have read or written is an [*UnsafeError]. The bounds are those
// of [NewMemoryStore].
type FileStore struct {
	folder string
	source KeySource
	locks  turns         // of Lock
	wait   time.Duration // MaxTurnWait, except in a test

	busy turns  // of the folder
	key  []byte // the last one that the source gave, nil at first; it belongs to who has the turn of the folder
}

const (
	layout      = "credentials-v1"
	credentials = "credentials"
	folderLock  = "lock"
)

const (
	// MaxUnreadable is how many files that cannot be read a [FileStore] sets aside.
	MaxUnreadable = 8
	// MaxTurnWait is how long a call waits for its turn at the file, before it fails with a [*BusyError].
	MaxTurnWait = time.Minute
)

// OpenFileStore opens the store in a folder, and makes the folder where it is not there. It does not read the file, and
// does not ask for the key: the calls do.
func OpenFileStore(options FileStoreOptions) (*FileStore, error) {
	s := &FileStore{folder: options.Folder, source: options.Key, wait: MaxTurnWait}
	if s.source == nil {
		s.source = FileKey{}
	}
	if s.folder == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("there is no folder for credentials (%w): set FileStoreOptions.Folder", err)
		}
		s.folder = filepath.Join(config, "caisson", layout)
	}
	var err error
	if s.folder, err = filepath.Abs(s.folder); err != nil {
		return nil, err
	}
	folder, err := privateFolder(s.folder)
	if err != nil {
		return nil, s.failed("opened", err)
	}
	s.folder = folder
	return s, nil
}

// Folder is the absolute path of the store's folder, without symbolic links.
func (s *FileStore) Folder() string { return s.folder }

// Lock implements [Store].
func (s *FileStore) Lock(ctx context.Context, key string) (unlock func(), err error) {
	end, err := s.locks.take(ctx, key)
	if err != nil {
		return nil, err
	}
	name := sha256.Sum256([]byte(key))
	release, err := s.lockFile(ctx, folderLock+"-"+hex.EncodeToString(name[:]))
	if err != nil {
		end()
		return nil, err
	}
	return func() {
		release()
		end()
	}, nil
}

// Load implements [Store].
func (s *FileStore) Load(ctx context.Context, key string) (entry []byte, err error) {
	err = s.withEntries(ctx, func(all entries) error {
		entry = all.get(key)
		return nil
	})
	return entry, err
}

// Save implements [Store].
func (s *FileStore) Save(ctx context.Context, key string, entry []byte) error {
	return s.withEntries(ctx, func(all entries) error {
		if err := all.put(key, entry); err != nil {
			return err
		}
		return s.write(ctx, all)
	})
}

// Delete implements [Store].
func (s *FileStore) Delete(ctx context.Context, key string) error {
	return s.withEntries(ctx, func(all entries) error {
		if _, there := all[key]; !there {
			return nil
		}
		delete(all, key)
		return s.write(ctx, all)
	})
}

// Keys implements [Store].
func (s *FileStore) Keys(ctx context.Context) (keys []string, err error) {
	err = s.withEntries(ctx, func(all entries) error {
		keys = all.keys()
		return nil
	})
	return keys, err
}

// withEntries waits for the turn of the folder, and does something with the entries in its file.
func (s *FileStore) withEntries(ctx context.Context, do func(entries) error) error {
	waiting, cancel := context.WithTimeoutCause(ctx, s.wait, &BusyError{Folder: s.folder})
	defer cancel()
	end, err := s.busy.take(waiting, "")
	if err != nil {
		return err
	}
	defer end()
	release, err := s.lockFile(waiting, folderLock)
	if err != nil {
		return err
	}
	defer release()
	all, err := s.read(ctx)
	if err != nil {
		return err
	}
	return do(all)
}

// lockFile takes the lock of a name. Somebody may have removed the folder meanwhile.
func (s *FileStore) lockFile(ctx context.Context, name string) (release func(), err error) {
	if _, err := privateFolder(s.folder); err != nil {
		return nil, s.failed("locked", err)
	}
	if release, err = filelock.Lock(ctx, filepath.Join(s.folder, name)); err != nil && ctx.Err() == nil {
		err = s.failed("locked", err)
	}
	return release, err
}

// failed says what could not be done, unless the error says it.
func (s *FileStore) failed(step string, err error) error {
	var path *fs.PathError
	if !errors.As(err, &path) {
		return err
	}
	remedy := chooseAnother
	if errors.Is(err, fs.ErrPermission) {
		remedy = "give the folder to this user, or " + chooseAnother
	}
	return fmt.Errorf("the credentials in %s cannot be %s (%w): %s", s.folder, step, err, remedy)
}

func (s *FileStore) path() string { return filepath.Join(s.folder, credentials) }

// read reads the file; one that is not there has no entries.
func (s *FileStore) read(ctx context.Context) (entries, error) {
	sealed, err := readPrivate(s.path(), maxSealed)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, s.setAside(err)
	case err != nil:
		return nil, s.failed("read", err)
	case sealed == nil:
		s.key = nil // Whatever becomes of the store now, the source decides on its key.
		return entries{}, nil
	}
	text, err := s.open(ctx, sealed)
	var all entries
	if err == nil {
		all, err = decode(text)
	}
	switch {
	case errors.Is(err, ErrNoKey), errors.Is(err, errAnotherKey), errors.Is(err, errDamaged):
		return nil, s.setAside(err)
	case err != nil:
		return nil, err
	}
	return all, nil
}

// open decrypts the file, by the last key, or the source's where another process has made another one since.
func (s *FileStore) open(ctx context.Context, sealed []byte) (text []byte, err error) {
	if s.key != nil {
		if text, err = open(s.key, sealed); !errors.Is(err, errAnotherKey) {
			return text, err
		}
	}
	if s.key, err = s.fetchKey(ctx, false); err != nil {
		return nil, err
	}
	return open(s.key, sealed)
}

// write replaces the file.
func (s *FileStore) write(ctx context.Context, all entries) (err error) {
	if s.key == nil {
		if s.key, err = s.fetchKey(ctx, true); err != nil {
			return err
		}
	}
	return s.failed("saved", replacePrivate(s.path(), seal(s.key, all.encode())))
}

// fetchKey asks the source.
func (s *FileStore) fetchKey(ctx context.Context, create bool) ([]byte, error) {
	key, err := s.source.Key(ctx, s.folder, create)
	if err == nil && len(key) != KeySize {
		err = &DamagedKeyError{Place: fmt.Sprintf("what %T gave", s.source)}
	}
	if err != nil {
		return nil, fmt.Errorf("the key of the credentials in %s: %w", s.folder, err)
	}
	return key, nil
}

// setAside gives a file that cannot be read another name.
func (s *FileStore) setAside(cause error) error {
	unreadable := &UnreadableError{Path: s.path(), Err: cause}
	for n := range MaxUnreadable {
		aside := fmt.Sprintf("%s.unreadable-%d", s.path(), n+1)
		if _, err := os.Lstat(aside); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Rename(s.path(), aside); err != nil {
			return errors.Join(unreadable, err)
		}
		unreadable.Aside = aside
		if err := atomicfile.SyncFolder(s.folder); err != nil {
			return errors.Join(unreadable, err)
		}
		break
	}
	return unreadable
}
