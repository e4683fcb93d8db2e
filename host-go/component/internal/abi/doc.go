// Package abi is the Canonical ABI (CanonicalABI.md): it lifts values from a guest's memory and core values
// into Go, and lowers Go values back. It has the Go types of WIT values, the codecs between the two, and the
// handle tables.
//
// A Signature has the codecs of a function type. A Passing has the codecs for the Go types of one function. A
// Transfer is the context of one call: the memory and the handles on the guest's side. The interface Guest
// has what a Transfer needs of an instance.
//
// A fault of the guest is a trap: see package trap. Values of the guest that take too much are a trap with an
// *ExcessError. A Go value that does not fit causes a panic with a *ValueError.
package abi
