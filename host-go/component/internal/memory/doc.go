// Package memory has the linear memories of instances, and the images that they
// start with.
//
// A memory reserves address space, where the platform has that, and grows in it
// without moving. An image lies in a file that the memories of all instances map by
// copy on write (Linux; elsewhere they copy it). Every byte comes out of the budget
// of the instance.
package memory
