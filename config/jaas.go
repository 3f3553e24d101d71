package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/jaas"
)

// keyJAASFile names a JAAS file, as -Djava.security.auth.login.config does in KAFKA_OPTS.
const keyJAASFile = "barnabas.sasl.jaas.file"

// loginModules are the classes that configure a mechanism of a listener. SCRAM has none of
// its own: its users are in the metadata.
var loginModules = map[string]string{
	mechanismPlain: plainModule, mechanismOAuth: oauthModule, mechanismGSSAPI: kerberosModule,
}

// jaasSource is a JAAS file and where it was named.
type jaasSource struct {
	name string // empty for none
	key  string
	from Origin
}

// javaLoginConfig takes the name of a JAAS file out of the options for a Java machine. rest
// tells whether there are others. Java takes a path or a file: URL, and a second equals sign
// says that the file is the only one, as it is here.
func javaLoginConfig(options string) (file string, rest bool) {
	for word := range strings.FieldsSeq(options) {
		value, found := strings.CutPrefix(strings.Trim(word, `"'`), "-Djava.security.auth.login.config=")
		if !found {
			rest = true
			continue
		}
		file = strings.Trim(strings.TrimPrefix(value, "="), `"'`)
		if path, isURL := strings.CutPrefix(file, "file:"); isURL {
			if file = path; strings.HasPrefix(path, "/") {
				file = "/" + strings.TrimLeft(path, "/")
			}
		}
	}
	return file, rest
}

// jaasFile is the file that the settings name.
func (r *reader) jaasFile() string { return r.text(keyJAASFile) }

// takeLoginFile gives each listener with logins the modules of a JAAS file for the
// mechanisms for which it has none of its own: those of the section LISTENER.KafkaServer, in
// small letters, and without it of KafkaServer (JaasContext in Kafka). A file that no
// listener needs is not read: it may be for what else the Java machine was to log in to.
func (s *Static) takeLoginFile(java jaasSource, readFile func(string) ([]byte, error)) Problems {
	r, file := newReader(s.values), java
	if name := r.jaasFile(); name != "" {
		file = jaasSource{name, keyJAASFile, s.origin(keyJAASFile)}
	}
	wanted := r.wantedModules()
	if file.name == "" || len(wanted) == 0 {
		return nil
	}
	if readFile == nil {
		readFile = noFiles
	}
	text, err := readFile(file.name)
	if err != nil {
		return Problems{{file.key, file.from, fmt.Sprintf("%s: the JAAS file %q cannot be read: %v", file.key, cut(file.name), err)}}
	}
	sections, err := jaas.ParseFile(string(text))
	if err != nil {
		return Problems{{file.key, file.from, fmt.Sprintf("%s: the JAAS file %q: %v", file.key, cut(file.name), err)}}
	}
	var wrong Problems
	for _, w := range wanted {
		wrong = append(wrong, s.takeModule(w, file, sections)...)
	}
	return wrong
}

// wantedModule is a mechanism of a listener that has no login module yet.
type wantedModule struct{ listener, mechanism string }

func (w wantedModule) key() string {
	return listenersOwn(w.listener, strings.ToLower(w.mechanism)+".sasl.jaas.config")
}

func (r *reader) wantedModules() (wanted []wantedModule) {
	ends, faults := r.endpoints().resolve()
	if len(faults) > 0 {
		return nil // check tells of them
	}
	for _, l := range ends.listen {
		if !l.hasLogins() {
			continue
		}
		offered := parseList(strings.ToUpper(r.ownText(l.Name, "sasl.enabled.mechanisms")))
		for _, mechanism := range slices.Sorted(maps.Keys(loginModules)) {
			w := wantedModule{l.Name, mechanism}
			if own, _ := r.raw(w.key()); slices.Contains(offered, mechanism) && strings.TrimSpace(own) == "" {
				wanted = append(wanted, w)
			}
		}
	}
	return wanted
}

// takeModule sets what a file has for a mechanism of a listener. It may have nothing for
// OAUTHBEARER, which can do without.
func (s *Static) takeModule(w wantedModule, file jaasSource, sections []jaas.Section) Problems {
	const global = "KafkaServer"
	own := strings.ToLower(w.listener) + "." + global
	at := slices.IndexFunc(sections, func(one jaas.Section) bool { return one.Name == own })
	if at < 0 {
		at = slices.IndexFunc(sections, func(one jaas.Section) bool { return one.Name == global })
	}
	if at < 0 && w.mechanism == mechanismOAuth {
		return nil
	}
	if at < 0 {
		return Problems{{file.key, file.from, fmt.Sprintf("%s: the JAAS file %q has no section %s or %s", file.key, cut(file.name), global, own)}}
	}
	taken := false
	for _, entry := range sections[at].Entries {
		if entry.Class != loginModules[w.mechanism] {
			continue
		}
		origin := Origin{Kind: FromFile, Name: file.name, Line: entry.Line}
		if taken { // Kafka looks for an option in all of them
			return Problems{{w.key(), origin, fmt.Sprintf("%s: the section %s has a second %s; put its options into the first", w.key(), sections[at].Name, entry.Class)}}
		}
		for option, value := range entry.Options {
			if strings.Contains(value, "${") {
				return Problems{{w.key(), origin, fmt.Sprintf("%s: the option %.64q has ${ in it, which Java would replace; write what is meant", w.key(), option)}}
			}
		}
		s.settings[w.key()], s.values[w.key()] = setting{entry.Text, origin}, entry.Text
		taken = true
	}
	if taken || w.mechanism == mechanismOAuth {
		return nil
	}
	return Problems{{file.key, file.from, fmt.Sprintf("%s: the section %s of the JAAS file %q has no %s", file.key, sections[at].Name, cut(file.name), loginModules[w.mechanism])}}
}
