package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// projectConfig is the configuration file of the folder in which the program runs. It names commands to run,
// and may have come with the folder. So it is used only after the user has approved this file with this
// content.
const projectConfig = "mcp.json"

// A projectFile is a configuration file that somebody else may have written.
type projectFile struct {
	path string // absolute, without links
	text []byte // read only once, so that the user approves the text that is used
	file *config.File
}

// readProject reads a project's file. It fails with [fs.ErrNotExist] when there is none.
func readProject(path string) (*projectFile, error) {
	fail := func(err error) (*projectFile, error) {
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "load config", Message: err.Error(), Err: err}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fail(err)
	case !info.Mode().IsRegular(): // A pipe may have no end, and a device no beginning.
		return fail(fmt.Errorf("%s is not a file", path))
	}
	opened, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, maxProject+1))
	if err != nil {
		return fail(err)
	}
	file, err := config.Parse(path, text)
	if err != nil {
		return nil, err
	}
	whole, err := placeOf(path)
	if err != nil {
		return fail(err)
	}
	return &projectFile{path: whole, text: text, file: file}, nil
}

// placeOf returns the absolute path of a file, without links. When the file is gone it resolves the links of
// the folder.
func placeOf(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	place, err := filepath.EvalSymlinks(whole)
	if errors.Is(err, fs.ErrNotExist) {
		place, err = filepath.EvalSymlinks(filepath.Dir(whole))
		place = filepath.Join(place, filepath.Base(whole))
	}
	return place, err
}

// maxProject is the largest file that config.Parse accepts, in bytes.
const maxProject = 1 << 20

// trustFolder is the folder of the user's approvals: an empty file for each project file, named by the
// project file's place and content.
func trustFolder() (string, error) {
	own, err := config.DefaultPath()
	return filepath.Join(filepath.Dir(own), "trusted"), err
}

// name returns the name of a file's approval: the hash of the file's place, and then the hash that covers its
// content too.
func (p *projectFile) name() string {
	place := sha256.Sum256([]byte(p.path))
	whole := sha256.Sum256(append(place[:], p.text...))
	return prefix(p.path) + hex.EncodeToString(whole[:])
}

// prefix returns the beginning of the names of all approvals for a place.
func prefix(place string) string {
	hash := sha256.Sum256([]byte(place))
	return hex.EncodeToString(hash[:]) + "-"
}

// trusted reports whether the user has approved the file with this content, or the file is the user's own.
func (p *projectFile) trusted() bool {
	if own, err := config.DefaultPath(); err == nil {
		mine, err := os.Stat(own)
		this, also := os.Stat(p.path)
		if err == nil && also == nil && os.SameFile(mine, this) {
			return true
		}
	}
	folder, err := trustFolder()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(folder, p.name()))
	return err == nil
}

// trust remembers the user's approval. It replaces the approval of an earlier content.
func (p *projectFile) trust() error {
	folder, err := trustFolder()
	if err == nil {
		err = os.MkdirAll(folder, 0o700)
	}
	if err == nil {
		_, err = forget(p.path)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, p.name()), nil, 0o600)
	}
	if err != nil {
		return fmt.Errorf("remembering that %s is trusted: %w", p.path, err)
	}
	return nil
}

// forget removes the approval of the file at a place, with any content. It reports whether there was one.
func forget(place string) (had bool, err error) {
	folder, err := trustFolder()
	if err != nil {
		return false, err
	}
	kept, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for _, file := range kept {
		if err == nil && strings.HasPrefix(file.Name(), prefix(place)) {
			had = true
			err = os.Remove(filepath.Join(folder, file.Name()))
		}
	}
	return had, err
}

// approve fails unless the user trusts the file, from which the server name is wanted. At a terminal it asks
// the user.
func (a *app) approve(c *cobra.Command, p *projectFile, name string) error {
	if p.trusted() {
		return nil
	}
	how := fmt.Sprintf("look at it, and then run 'caisson trust', or name it with --config %s", projectConfig)
	switch {
	case !a.person():
		return usage(c, "the server %q is in %s, to which you have not said yes with its present content: its commands may come from somebody else; %s", name, p.path, how)
	case len(p.text) > maxShown || strings.Count(string(p.text), "\n") > maxShownLines:
		return usage(c, "the server %q is in %s, to which you have not said yes with its present content, and which is too long to be shown: %s", name, p.path, how)
	}
	yes, err := a.askTrust(c.Context(), p, name)
	switch {
	case err != nil:
		return err
	case !yes:
		return usage(c, "%s is not trusted, and not used", p.path)
	}
	return p.trust()
}

// These bound what askTrust shows of a file. It shows the whole file or refuses: the user would otherwise
// approve the rest unseen.
const (
	maxShown      = 8 << 10
	maxShownLines = 100
)

// askTrust shows a file to the user, and asks for approval.
func (a *app) askTrust(ctx context.Context, p *projectFile, name string) (yes bool, err error) {
	a.err.Ask()
	defer a.err.Answered()
	a.err.Prompt("The server %s is in %s, to which you have not said yes with its present content.\n%s", terminal.OneLine(name, terminal.MaxLine), terminal.OneLine(p.path, terminal.MaxLine), quote(string(p.text)))
	if own, err := config.DefaultPath(); err == nil {
		if file, err := config.Load(own); err == nil && slices.Contains(file.Names(), name) {
			a.err.Prompt("Your own configuration has a server of this name too; this one would replace it.\n")
		}
	}
	for {
		a.err.Prompt("May its commands run, and its servers get the variables and files that it names? Your answer holds until the file changes. yes or no> ")
		line, err := readAnswer(ctx, a.in)
		switch line = strings.ToLower(strings.TrimSpace(line)); {
		case err != nil:
			a.err.Prompt("\n")
			return false, err
		case line == "yes", line == "y":
			return true, nil
		case line == "no", line == "n":
			return false, nil
		}
	}
}

// readAnswer reads one line, and leaves what follows it to other readers. The end of the input means no.
func readAnswer(ctx context.Context, in io.Reader) (string, error) {
	type outcome struct {
		line string
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		var line []byte
		var next [1]byte
		for len(line) < terminal.MaxLine {
			n, err := in.Read(next[:])
			switch {
			case n == 1 && next[0] == '\n':
				read <- outcome{line: string(line)}
				return
			case n == 1:
				line = append(line, next[0])
			case errors.Is(err, io.EOF):
				read <- outcome{line: "no"}
				return
			case err != nil:
				read <- outcome{err: err}
				return
			}
		}
		read <- outcome{line: "no"}
	}()
	select {
	case o := <-read:
		return o.line, o.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (a *app) trustCommand() *cobra.Command {
	var taken bool
	c := &cobra.Command{
		Use:   "trust [FILE]",
		Short: "Trust the configuration file of a folder",
		Long: `Says yes to a configuration file that may have come with its folder. Without FILE it is ./mcp.json.
Such a file names commands, which run as you, and variables and files, which its servers get. So the
program uses the file only after your yes. At a terminal it asks you once; elsewhere this command
gives your yes.

Your yes is for this file, in this place, with this content. When the file changes, you are asked
again. Your yes does not cover changes of the programs that the file names. --config and your own
configuration need no yes.`,
		Example: `  caisson trust
  caisson trust ~/work/mcp.json
  caisson trust --forget`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			path := projectConfig
			if len(args) > 1 {
				return usage(c, "%q is one argument too many", shown(args[1]))
			} else if len(args) == 1 {
				path = args[0]
			}
			if taken {
				return a.distrust(c, path)
			}
			p, err := readProject(path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return noFile(c, path)
			case err != nil:
				return err
			}
			if err := p.trust(); err != nil {
				return err
			}
			return a.printf("%s is trusted as it is now: %s\n", p.path, strings.Join(p.file.Names(), ", "))
		},
	}
	c.Flags().BoolVar(&taken, "forget", false, "take your yes back")
	return c
}

// distrust removes the approval of a file. The file may be gone, or be invalid.
func (a *app) distrust(c *cobra.Command, path string) error {
	place, err := placeOf(path)
	if errors.Is(err, fs.ErrNotExist) {
		return noFile(c, path)
	} else if err != nil {
		return err
	}
	had, err := forget(place)
	if err != nil {
		return err
	}
	if _, err := os.Stat(place); !had && errors.Is(err, fs.ErrNotExist) {
		return noFile(c, path)
	}
	return a.printf("%s is not trusted any more\n", place)
}

func noFile(c *cobra.Command, path string) error {
	return usage(c, "there is no file %s: go to its folder, or name it", path)
}
