// Package split takes components apart ahead of time, so that they start quickly. It also reads the parts.
//
// The main part is the index: the component with each core module cut down to its types, the code of each
// module that stays together, and what a runtime must know of the other parts. The other parts are images,
// the first contents of memories, and chunks, code that a runtime loads when a guest first calls it. A
// Profile says which functions stay together.
package split
