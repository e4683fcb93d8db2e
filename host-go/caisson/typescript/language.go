package typescript

import (
	"context"
	"errors"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Language is TypeScript, for [caisson.Script].Language. Nil options let a script import nothing. Errors of a
// script have their places in the source, or in the module that it imports. It is safe for concurrent use.
//
// [caisson.ScriptLimits].SourceBytes bounds the source; options bound what it becomes with its modules.
func Language(options *Options) caisson.Language { return language{options.withDefaults()} }

type language struct{ options Options }

// Name implements [caisson.Language].
func (language) Name() string { return "TypeScript" }

// Component implements [caisson.Language]: the core runs it.
func (language) Component() *caisson.LanguageComponent { return nil }

// Translate implements [caisson.Language].
func (l language) Translate(ctx context.Context, s caisson.ScriptSource) (caisson.Translation, error) {
	output, err := Translate(ctx, Source(s), &l.options)
	var e *Error
	switch {
	case errors.As(err, &e):
		return caisson.Translation{}, &caisson.ScriptError{
			Script: e.File, Kind: caisson.ScriptSyntax, Message: e.Message, Line: e.Line, Column: e.Column, Err: e,
		}
	case err != nil:
		return caisson.Translation{}, err
	}
	return caisson.Translation{Text: output.Text, Positions: output.Position}, nil
}
