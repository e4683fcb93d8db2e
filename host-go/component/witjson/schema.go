package witjson

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component"
)

// ParamsSchema returns the JSON Schema of the object that DecodeParams reads. docs may be nil. The error is
// ErrTooLarge or a *ResourceError.
func ParamsSchema(f *component.FuncType, docs *InterfaceDocs) (json.RawMessage, error) {
	return write(docs, func(s *schemas) keywords { return s.object(f.Params, nil) })
}

// Schema returns the JSON Schema of the values of a type. docs may be nil. The error is ErrTooLarge or a
// *ResourceError.
func Schema(t *component.Type, docs *InterfaceDocs) (json.RawMessage, error) {
	return write(docs, func(s *schemas) keywords { return s.value(t) })
}

// maxParts bounds the parts of a schema. So many bytes of a text count as a part.
const maxParts, textWeight = 20_000, 64

// schemas writes a schema. It panics with an error of Schema's.
type schemas struct {
	docs  *InterfaceDocs
	parts int
}

func write(docs *InterfaceDocs, schema func(*schemas) keywords) (text json.RawMessage, err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *ResourceError:
			text, err = nil, x
		case error:
			if x != ErrTooLarge {
				panic(x)
			}
			text, err = nil, x
		default:
			panic(x)
		}
	}()
	if docs == nil {
		docs = &InterfaceDocs{}
	}
	return json.Marshal(schema(&schemas{docs: docs}))
}

// keywords is a schema, or another JSON object, whose members keep their order.
type keywords []member

type member struct {
	name  string
	value any
}

// MarshalJSON returns the object.
func (o keywords) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(appendString(nil, m.name))
		b.WriteByte(':')
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// count counts a part of the schema. Long texts in it count for more.
func (s *schemas) count(texts ...string) {
	s.parts++
	for _, text := range texts {
		s.parts += len(text) / textWeight
	}
	if s.parts > maxParts {
		panic(ErrTooLarge)
	}
}

func typed(name string, more ...member) keywords {
	return append(keywords{{"type", name}}, more...)
}

// value returns the schema of a type, with the type's documentation.
func (s *schemas) value(t *component.Type) keywords {
	s.count()
	o := s.of(t)
	if text := s.about(t); text != "" {
		s.count(text)
		o = append(o, member{"description", text})
	}
	return o
}

func (s *schemas) of(t *component.Type) keywords {
	if bounds, ok := integers[t.Kind]; ok {
		// Numbers, and not texts, with all digits.
		return typed("integer", member{"minimum", bounds.least}, member{"maximum", bounds.most})
	}
	switch t.Kind {
	case component.TypeBool:
		return typed("boolean")
	case component.TypeF32, component.TypeF64:
		return keywords{{"anyOf", []keywords{typed("number"), {{"enum", []string{"NaN", "Infinity", "-Infinity"}}}}}}
	case component.TypeChar:
		return typed("string", member{"minLength", 1}, member{"maxLength", 1})
	case component.TypeString:
		return typed("string")
	case component.TypeList:
		if isBytes(t) {
			return typed("string", member{"contentEncoding", "base64"})
		}
		o := typed("array", member{"items", s.value(t.Elem)})
		if t.Length > 0 {
			o = append(o, member{"minItems", t.Length}, member{"maxItems", t.Length})
		}
		return o
	case component.TypeMap:
		return typed("array", member{"items", s.tuple(component.Field{Type: t.Key}, component.Field{Type: t.Elem})})
	case component.TypeTuple:
		return s.tuple(t.Fields...)
	case component.TypeRecord:
		return s.object(t.Fields, s.docs.Types[t.Name].Items)
	case component.TypeVariant:
		return s.choice(t.Fields, s.docs.Types[t.Name].Items)
	case component.TypeResult:
		return s.choice(resultCases(t), nil)
	case component.TypeEnum:
		s.labels(t)
		return typed("string", member{"enum", t.Labels})
	case component.TypeFlags:
		s.labels(t)
		return typed("array", member{"items", keywords{{"enum", t.Labels}}}, member{"uniqueItems", true})
	case component.TypeOption:
		value := s.value(t.Elem)
		if t.Elem.Kind == component.TypeOption {
			value = typed("object", member{"properties", keywords{{"some", value}}}, member{"required", []string{"some"}}, member{"additionalProperties", false})
		}
		return keywords{{"anyOf", []keywords{value, typed("null")}}}
	case component.TypeOwn, component.TypeBorrow:
		panic(&ResourceError{t.Name})
	}
	panic(&ResourceError{string(t.Kind)})
}

func (s *schemas) labels(t *component.Type) {
	for _, label := range t.Labels {
		s.count(label)
	}
}

// about returns the documentation of a type. That of the labels of an enum or of flags is a part of it, since a
// schema has no other place for it.
func (s *schemas) about(t *component.Type) string {
	if t.Name == "" {
		return ""
	}
	docs := s.docs.Types[t.Name]
	text := docs.Docs
	for _, label := range t.Labels {
		if about := docs.Items[label]; about != "" {
			text += "\n- " + label + ": " + about
		}
	}
	return strings.TrimPrefix(text, "\n")
}

func (s *schemas) tuple(list ...component.Field) keywords {
	items := []keywords{}
	for _, f := range list {
		items = append(items, s.value(f.Type))
	}
	return typed("array", member{"prefixItems", items}, member{"items", false}, member{"minItems", len(items)}, member{"maxItems", len(items)})
}

// object returns the schema of an object with a member for each field.
func (s *schemas) object(list []component.Field, docs map[string]string) keywords {
	properties, required := keywords{}, []string{}
	for _, f := range list {
		s.count(f.Name, docs[f.Name])
		o := s.value(f.Type)
		if text := docs[f.Name]; text != "" {
			o = described(o, text)
		}
		properties = append(properties, member{f.Name, o})
		if f.Type.Kind != component.TypeOption {
			required = append(required, f.Name)
		}
	}
	return typed("object", member{"properties", properties}, member{"required", required}, member{"additionalProperties", false})
}

// described returns a schema with this description. The description of the schema's type comes after it.
func described(o keywords, text string) keywords {
	if last := len(o) - 1; o[last].name == "description" {
		return append(o[:last:last], member{"description", text + "\n\n" + o[last].value.(string)})
	}
	return append(o, member{"description", text})
}

// choice returns the schema of a value that is one of the cases.
func (s *schemas) choice(cases []component.Field, docs map[string]string) keywords {
	all := []keywords{}
	for _, c := range cases {
		s.count(c.Name, docs[c.Name])
		o := keywords{{"const", c.Name}}
		if c.Type != nil {
			o = typed("object", member{"properties", keywords{{c.Name, s.value(c.Type)}}}, member{"required", []string{c.Name}}, member{"additionalProperties", false})
		}
		if text := docs[c.Name]; text != "" {
			o = described(o, text)
		}
		all = append(all, o)
	}
	return keywords{{"oneOf", all}}
}
