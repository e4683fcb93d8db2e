package auth

import "fmt"

// A LimitError says that a store has no room for an entry. What was there before is still there.
type LimitError struct {
	// What is too large: "a key", "an entry", "the store" or "the number of entries".
	What string
	// Size is how large it would be, and Limit how large it may be: in bytes, or a number of entries.
	Size, Limit int
}

// Error names the bound.
func (e *LimitError) Error() string {
	unit, remedy := " bytes", ""
	switch e.What {
	case whatEntries:
		unit, remedy = "", ": delete entries, by logging out where nobody needs a login any more"
	case whatStore:
		remedy = ": delete entries, by logging out where nobody needs a login any more"
	}
	return fmt.Sprintf("the credentials are not saved: %s would be %d%s, and may be %d%s", e.What, e.Size, unit, e.Limit, remedy)
}

// An UnsafeError says that a [FileStore] does not use a file or a folder, since another user could have
// read or written it.
type UnsafeError struct {
	// Path is the file's or the folder's.
	Path string
	// Reason is what is wrong with it.
	Reason string
	// Remedy is what to do.
	Remedy string
}

// Error gives the path, the reason and the remedy.
func (e *UnsafeError) Error() string {
	return fmt.Sprintf("the credentials are not safe: %s %s: %s", e.Path, e.Reason, e.Remedy)
}

// An UnreadableError says that a [FileStore] cannot read its file: the key is lost or another one, or the
// file is damaged. The file has another name now, and the store is empty: the next call works.
type UnreadableError struct {
	// Path is the file's.
	Path string
	// Aside is the file's new name: with its old name and its old key it can be read again. It is "" where the
	// folder has [MaxUnreadable] such files already, and then the file keeps its name, and the store does not work.
	Aside string
	// Err is why the file cannot be read.
	Err error
}

// Error says what has become of the file, and what to do.
func (e *UnreadableError) Error() string {
	if e.Aside == "" {
		return fmt.Sprintf("the credentials in %s cannot be read (%v), and %d files that cannot be read lie beside it already: remove those, and log in anew", e.Path, e.Err, MaxUnreadable)
	}
	return fmt.Sprintf("the credentials in %s cannot be read (%v): the file is %s now; log in anew", e.Path, e.Err, e.Aside)
}

// Unwrap gives the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// A BusyError says that another process, or another goroutine, did not let a [FileStore] at its file within
// [MaxTurnWait]. A turn takes some milliseconds, and as long as the key's source takes where the key is not known yet.
type BusyError struct {
	// Folder is the store's.
	Folder string
}

// Error says who is to be looked for.
func (e *BusyError) Error() string {
	return fmt.Sprintf("another process does not let go of the credentials in %s: end the process, which may be stopped", e.Folder)
}

// A DamagedKeyError says that what should be the key of a [FileStore] is none. No [KeySource] removes it.
type DamagedKeyError struct {
	// Place is where the key should be.
	Place string
}

// Error says what to do.
func (e *DamagedKeyError) Error() string {
	return fmt.Sprintf("%s is not a key of %d bytes: remove it, and log in anew", e.Place, KeySize)
}
