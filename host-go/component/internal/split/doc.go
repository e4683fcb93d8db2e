// Package split takes components apart, ahead of time, so that they start quickly,
// and reads the parts again.
//
// What is left of a component is its index: the component with each core module cut
// down to its types, the code of each module that stays together, and what a runtime
// has to know of the other parts. Those are the images that memories start with, and
// chunks: code that a runtime loads when a guest first calls it. A Profile says which
// functions stay together.
package split
