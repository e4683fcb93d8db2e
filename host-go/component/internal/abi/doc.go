// Package abi is the Canonical ABI: it lifts values out of a guest's memory and core
// values into Go, and lowers them back (CanonicalABI.md). It has the Go types of WIT
// values, the codecs between the two, and the handle tables.
//
// A Signature has the codecs of a function type, a Passing those for the Go types of
// one function. A Transfer is the context of one call: the memory and the handles on
// the guest's side. What it needs of an instance the interface Guest says.
//
// Faults of the guest are traps: see package trap. Values of the guest that take too
// much are a trap with an *ExcessError. Go values that do not fit panic with a
// *ValueError.
package abi
