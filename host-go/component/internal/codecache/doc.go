// Package codecache keeps compiled code on disk, in a folder that processes share,
// and with it the images that memories start with.
//
// An entry is one file. The cache writes it under another name and renames it,
// checks it whole each time it uses it, and removes it when the check fails. It
// trusts no file that another user could have written.
//
// The core runtime has a cache of its own, which checks less and writes in place.
// So the core runtime gets a private folder, the stage, into which only entries
// come that the cache has checked.
package codecache
