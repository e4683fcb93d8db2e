package typescript

import (
	"encoding/json"
	"errors"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A mapping is the place in a source that a place in the output stands for. Lines count from 0, columns count
// UTF-16 code units from 0 (ECMA-426, "Source map format").
type mapping struct {
	column                           int
	source, sourceLine, sourceColumn int
}

// A sourceMap is a decoded source map: the mappings of each line, by their columns.
type sourceMap struct {
	Version  int      `json:"version"`
	Sources  []string `json:"sources"`
	Mappings string   `json:"mappings"`

	lines [][]mapping
}

var errMappings = errors.New("the mappings of the source map are broken")

// parseSourceMap decodes a source map.
func parseSourceMap(text []byte) (*sourceMap, error) {
	var m sourceMap
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	var source, line, column int
	for text := range strings.SplitSeq(m.Mappings, ";") {
		var mappings []mapping
		at := 0
		for segment := range strings.SplitSeq(text, ",") {
			if segment == "" {
				continue
			}
			fields, err := decodeVLQ(segment)
			if err != nil {
				return nil, err
			}
			at += fields[0]
			if len(fields) == 1 {
				mappings = append(mappings, mapping{column: at, source: -1})
				continue
			}
			if len(fields) < 4 {
				return nil, errMappings
			}
			source, line, column = source+fields[1], line+fields[2], column+fields[3]
			if source < 0 || source >= len(m.Sources) || line < 0 || column < 0 {
				return nil, errMappings
			}
			mappings = append(mappings, mapping{at, source, line, column})
		}
		m.lines = append(m.lines, mappings)
	}
	return &m, nil
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// decodeVLQ decodes the numbers of one segment.
func decodeVLQ(segment string) ([]int, error) {
	var fields []int
	value, shift := 0, 0
	for i := range len(segment) {
		digit := strings.IndexByte(base64Digits, segment[i])
		if digit < 0 || shift > 30 {
			return nil, errMappings
		}
		value |= (digit & 31) << shift
		if shift += 5; digit&32 != 0 {
			continue
		}
		if value&1 != 0 {
			fields = append(fields, -(value >> 1))
		} else {
			fields = append(fields, value>>1)
		}
		value, shift = 0, 0
	}
	if shift != 0 || len(fields) == 0 {
		return nil, errMappings
	}
	return fields, nil
}

// find returns the mapping of a place in the output.
func (m *sourceMap) find(line, column int) (mapping, bool) {
	if line < 0 || line >= len(m.lines) {
		return mapping{}, false
	}
	in := m.lines[line]
	i := sort.Search(len(in), func(i int) bool { return in[i].column > column }) - 1
	if i < 0 || in[i].source < 0 {
		return mapping{}, false
	}
	return in[i], true
}

// units returns how many UTF-16 code units the first characters of a line have.
func units(line string, characters int) int {
	n := 0
	for _, r := range line {
		if characters--; characters < 0 {
			break
		}
		n += utf16Len(r)
	}
	return n + max(characters, 0)
}

// characters returns how many characters the first UTF-16 code units of a line have.
func characters(line string, units int) int {
	n := 0
	for _, r := range line {
		if units -= utf16Len(r); units < 0 {
			break
		}
		n++
	}
	return n + max(units, 0)
}

func utf16Len(r rune) int {
	if n := utf16.RuneLen(r); n > 0 {
		return n
	}
	return utf8.RuneLen(utf8.RuneError) - 2
}

// lineOf returns a line of a text, from 0; empty where there is none.
func lineOf(text string, line int) string {
	for ; line > 0; line-- {
		_, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return ""
		}
		text = rest
	}
	text, _, _ = strings.Cut(text, "\n")
	return text
}
