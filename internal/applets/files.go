package applets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (c *call) chmod() int {
	// A mode may begin with a dash (-x), so this takes its one option itself.
	rest := c.args
	deep := len(rest) > 0 && rest[0] == "-R"
	if deep {
		rest = rest[1:]
	}
	if len(rest) < 2 {
		return c.refuse("fewer than a mode and a file")
	}
	mode, err := parseMode(rest[0])
	if err != nil {
		return c.refuse(fmt.Sprintf("the mode %q", rest[0]))
	}
	status := statusOK
	one := func(name string) error {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		return os.Chmod(name, mode(info.Mode()))
	}
	for _, name := range rest[1:] {
		err := one(c.path(name))
		if err == nil && deep {
			err = filepath.WalkDir(c.path(name), func(inner string, d fs.DirEntry, err error) error {
				if err != nil || d.Type()&fs.ModeSymlink != 0 {
					return err
				}
				return one(inner)
			})
		}
		if err != nil {
			status = c.fail(name, err)
		}
	}
	return status
}

// parseMode reads 755 and u+rwx,go-w.
func parseMode(text string) (func(fs.FileMode) fs.FileMode, error) {
	if bits, err := strconv.ParseUint(text, 8, 32); err == nil && bits <= 0o7777 {
		return func(fs.FileMode) fs.FileMode { return fileMode(uint32(bits)) }, nil
	}
	type change struct {
		who, bits uint32
		op        byte
		x         bool
	}
	var changes []change
	for part := range strings.SplitSeq(text, ",") {
		at := strings.IndexAny(part, "+-=")
		if at < 0 {
			return nil, errors.New("no mode")
		}
		one := change{op: part[at]}
		for _, r := range part[:at] {
			bits, ok := map[rune]uint32{'u': 0o700, 'g': 0o070, 'o': 0o007, 'a': 0o777}[r]
			if !ok {
				return nil, errors.New("no mode")
			}
			one.who |= bits
		}
		if at == 0 {
			one.who = 0o777
		}
		for _, r := range part[at+1:] {
			bits, ok := map[rune]uint32{'r': 0o444, 'w': 0o222, 'x': 0o111, 'X': 0}[r]
			if !ok {
				return nil, errors.New("no mode")
			}
			one.bits |= bits
			one.x = one.x || r == 'X'
		}
		changes = append(changes, one)
	}
	return func(old fs.FileMode) fs.FileMode {
		bits := uint32(old.Perm())
		for _, one := range changes {
			wanted := one.bits
			if one.x && (old.IsDir() || bits&0o111 != 0) {
				wanted |= 0o111
			}
			switch one.op {
			case '+':
				bits |= wanted & one.who
			case '-':
				bits &^= wanted & one.who
			default:
				bits = bits&^one.who | wanted&one.who
			}
		}
		return old&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) | fs.FileMode(bits)
	}, nil
}

func fileMode(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for _, one := range []struct {
		bit  uint32
		mode fs.FileMode
	}{{0o4000, fs.ModeSetuid}, {0o2000, fs.ModeSetgid}, {0o1000, fs.ModeSticky}} {
		if bits&one.bit != 0 {
			mode |= one.mode
		}
	}
	return mode
}

func (c *call) mkdir() int {
	given, names, ok := c.options("pm:v")
	if !ok {
		return statusUsage
	}
	if len(names) == 0 {
		return c.refuse("no name")
	}
	mode := fs.FileMode(0o777)
	if has(given, 'm') {
		change, err := parseMode(last(given, 'm', ""))
		if err != nil {
			return c.refuse("-m " + last(given, 'm', ""))
		}
		mode = change(mode)
	}
	status := statusOK
	for _, name := range names {
		make := os.Mkdir
		if has(given, 'p') {
			make = os.MkdirAll
		}
		err := make(c.path(name), mode)
		if err == nil && has(given, 'm') {
			err = os.Chmod(c.path(name), mode) // without what umask takes away
		}
		if err != nil {
			status = c.fail(name, err)
		}
	}
	return status
}

func (c *call) rm() int {
	given, names, ok := c.options("rRfv")
	if !ok {
		return statusUsage
	}
	deep, force := has(given, 'r') || has(given, 'R'), has(given, 'f')
	if len(names) == 0 && !force {
		return c.refuse("no name")
	}
	status := statusOK
	for _, name := range names {
		full := c.path(name)
		info, err := os.Lstat(full)
		switch {
		case errors.Is(err, fs.ErrNotExist) && force:
			continue
		case err != nil:
		case info.IsDir() && !deep:
			err = errors.New("is a folder (rm -r)")
		case filepath.Clean(full) == string(filepath.Separator):
			err = errors.New("is everything; it stays")
		case info.IsDir():
			err = os.RemoveAll(full)
		default:
			err = os.Remove(full)
		}
		if err != nil {
			status = c.fail(name, err)
		}
	}
	return status
}

// each calls use with each source and its target: the last name, or a file in it
// if that is a folder, as look sees it.
func (c *call) each(names []string, look func(name string) (fs.FileInfo, error), use func(from, to string) error) int {
	if len(names) < 2 {
		return c.refuse("fewer than two names")
	}
	sources, target := names[:len(names)-1], names[len(names)-1]
	info, err := look(c.path(target))
	isFolder := err == nil && info.IsDir()
	if len(sources) > 1 && !isFolder {
		c.say("%s: is no folder", target)
		return statusFailed
	}
	status := statusOK
	for _, from := range sources {
		to := c.path(target)
		if isFolder {
			to = filepath.Join(to, filepath.Base(from))
		}
		if err := use(c.path(from), to); err != nil {
			status = c.fail(from, err)
		}
	}
	return status
}

func (c *call) cp() int {
	given, names, ok := c.options("rRapfv")
	if !ok {
		return statusUsage
	}
	deep := has(given, 'r') || has(given, 'R') || has(given, 'a')
	return c.each(names, os.Stat, func(from, to string) error {
		info, err := os.Stat(from)
		if err != nil {
			return err
		}
		there, err := os.Stat(to)
		switch {
		case err == nil && os.SameFile(info, there): // opening it to write would empty it
			return errors.New("is the same as the target")
		case info.IsDir() && !deep:
			return errors.New("is a folder (cp -r)")
		case info.IsDir() && isBelow(to, from): // there would be no end
			return errors.New("cannot be copied into itself")
		case info.IsDir():
			return copyTree(from, to)
		}
		return copyFile(from, to, info.Mode())
	})
}

// isBelow tells whether one whole path leads into another.
func isBelow(inner, outer string) bool {
	way, err := filepath.Rel(outer, inner)
	return err == nil && way != ".." && !strings.HasPrefix(way, ".."+string(filepath.Separator))
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inner, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, inner)
		info, err := d.Info()
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.MkdirAll(target, info.Mode().Perm()|0o700)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		return copyFile(name, target, info.Mode())
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode.Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closing := out.Close(); err == nil {
		err = closing
	}
	return err
}

func (c *call) mv() int {
	_, names, ok := c.options("fv")
	if !ok {
		return statusUsage
	}
	return c.each(names, os.Stat, func(from, to string) error {
		err := os.Rename(from, to)
		if err == nil || !strings.Contains(err.Error(), "cross-device") {
			return err
		}
		if err := copyTree(from, to); err != nil {
			return err
		}
		return os.RemoveAll(from)
	})
}

func (c *call) ln() int {
	given, names, ok := c.options("sfn")
	if !ok {
		return statusUsage
	}
	look := os.Stat
	if has(given, 'n') { // a link to a folder is a link
		look = os.Lstat
	}
	at := 0 // a symbolic link holds what was written, not where that is
	return c.each(names, look, func(from, to string) error {
		written := names[at]
		at++
		if has(given, 'f') {
			if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if has(given, 's') {
			return os.Symlink(written, to)
		}
		return os.Link(from, to)
	})
}

func (c *call) ls() int {
	given, names, ok := c.options("la1A")
	if !ok {
		return statusUsage
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	status := statusOK
	for _, name := range names {
		info, err := os.Lstat(c.path(name))
		switch {
		case err != nil:
			status = c.fail(name, err)
			continue
		case !info.IsDir():
			c.list(name, c.path(name), info, has(given, 'l'))
			continue
		}
		if len(names) > 1 {
			fmt.Fprintf(c.out, "%s:\n", name)
		}
		entries, err := os.ReadDir(c.path(name))
		if err != nil {
			status = c.fail(name, err)
		}
		for _, e := range entries {
			hidden := strings.HasPrefix(e.Name(), ".") && !has(given, 'a') && !has(given, 'A')
			if info, err := e.Info(); err == nil && !hidden {
				c.list(e.Name(), filepath.Join(c.path(name), e.Name()), info, has(given, 'l'))
			}
		}
	}
	return status
}

func (c *call) list(name, full string, info fs.FileInfo, long bool) {
	if !long {
		fmt.Fprintln(c.out, name)
		return
	}
	if link, err := os.Readlink(full); err == nil {
		name += " -> " + link
	}
	user, group := owner(info)
	fmt.Fprintf(c.out, "%s %d %d %8d %s %s\n", info.Mode(), user, group, info.Size(), info.ModTime().UTC().Format("2006-01-02 15:04"), name)
}

func (c *call) touch() int {
	_, names, ok := c.options("")
	if !ok {
		return statusUsage
	}
	if len(names) == 0 {
		return c.refuse("no name")
	}
	status := statusOK
	for _, name := range names {
		f, err := os.OpenFile(c.path(name), os.O_CREATE|os.O_WRONLY, 0o666)
		if err == nil {
			err = f.Close()
		}
		if err == nil {
			err = os.Chtimes(c.path(name), time.Now(), time.Now())
		}
		if err != nil {
			status = c.fail(name, err)
		}
	}
	return status
}

func (c *call) basename() int {
	if len(c.args) == 0 || len(c.args) > 2 {
		return c.refuse("this number of names")
	}
	base := path.Base(c.args[0])
	if c.args[0] == "" {
		base = ""
	}
	if len(c.args) == 2 && base != c.args[1] {
		base = strings.TrimSuffix(base, c.args[1])
	}
	fmt.Fprintln(c.out, base)
	return statusOK
}

func (c *call) dirname() int {
	if len(c.args) == 0 {
		return c.refuse("no name")
	}
	for _, name := range c.args {
		fmt.Fprintln(c.out, path.Dir(path.Clean(name)))
	}
	return statusOK
}

func (c *call) which() int {
	status := statusOK
	for _, name := range c.args {
		folders := filepath.SplitList(c.variable("PATH"))
		if strings.Contains(name, "/") { // is a path already
			folders = []string{""}
			name = c.path(name)
		}
		at := slices.IndexFunc(folders, func(folder string) bool {
			info, err := os.Stat(filepath.Join(folder, name))
			return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
		})
		if at < 0 {
			status = statusFailed
			continue
		}
		fmt.Fprintln(c.out, filepath.Join(folders[at], name))
	}
	return status
}
