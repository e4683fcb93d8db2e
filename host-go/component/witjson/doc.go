// Package witjson writes WIT values as JSON, reads them, and describes their types as JSON Schema (2020-12). Every
// value of every type without a resource has one JSON text, and that text gives the same value again.
//
//	WIT                 JSON
//	bool                true, false
//	s8 … s64, u8 … u64  a number without fraction and exponent, with all its digits
//	f32, f64            a number, or "NaN", "Infinity", "-Infinity"
//	char                a string of one Unicode scalar value
//	string              a string
//	list<u8>            a string, in base64 (RFC 4648, section 4, with padding)
//	list<T>             an array
//	list<T, N>          an array of N elements
//	map<K, V>           an array of arrays [key, value]
//	tuple               an array
//	record              an object; a field of an option type may be missing
//	variant             "case", or {"case": payload} for a case with a payload
//	enum                the case, a string
//	flags               an array of the labels that are set
//	option<T>           null, or T; {"some": T} where T is an option too
//	result<T, E>        a variant with the cases ok and err
//
// Names of fields, cases and labels are those of WIT. A JSON number of an integer type may be larger than 2^53: a
// reader that has only doubles loses digits of it. A NaN has no payload. Lone surrogates in a JSON string become
// U+FFFD, as package encoding/json has it; of members with the same name the last one counts.
package witjson
