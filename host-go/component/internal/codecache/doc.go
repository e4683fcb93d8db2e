// Package codecache keeps compiled code, the first contents of memories, and what else a start needs, on disk, in
// a folder that processes share.
//
// An entry is one file. The cache writes the file under another name and renames it. It checks the whole file
// each time it uses the file, and removes the file when the check fails. It trusts no file that another user
// could have written.
//
// The core runtime has its own cache, which checks less and writes in place. So the core runtime gets a
// private folder, the stage. Only entries that the cache has checked come into the stage.
package codecache
