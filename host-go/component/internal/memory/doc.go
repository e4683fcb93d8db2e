// Package memory has the linear memories of instances, and images of their first contents.
//
// A memory reserves address space on platforms that support this, and grows in it without moving. On Linux an
// image is a file that the memories of all instances map by copy on write. On other platforms each memory
// copies the image. The budget of the instance is charged for every byte.
package memory
