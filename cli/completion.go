package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// otherCommands are those of the binary that are not in this package.
var otherCommands = []string{"serve", "healthcheck", "image", "config", "version", "help"}

// words are what may follow: nothing but nouns first, then verbs, then flags.
type words struct {
	nouns []string
	verbs map[string][]string // by noun
	flags map[string][]string // by "noun" or "noun verb"
}

func allWords() words {
	w := words{nouns: slices.Clone(otherCommands), verbs: map[string][]string{}, flags: map[string][]string{}}
	for _, n := range nouns {
		w.nouns = append(w.nouns, n.Name)
	}
	for _, v := range verbs() {
		if v.name != "" {
			w.verbs[v.noun] = append(w.verbs[v.noun], v.name)
		}
		var o options
		flagsOf(v, &o).VisitAll(func(f *pflag.Flag) {
			key := strings.TrimSpace(v.noun + " " + v.name)
			w.flags[key] = append(w.flags[key], "--"+f.Name)
		})
	}
	w.verbs["completion"] = []string{"bash", "zsh", "fish"}
	slices.Sort(w.nouns)
	return w
}

func completion(c *call) error {
	if err := c.need(1, 1, "the shell: bash, zsh or fish,"); err != nil {
		return err
	}
	scripts := map[string]func(words) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
	script := scripts[c.args[0]]
	if script == nil {
		return usagef("there is no script for %q: bash, zsh or fish", c.args[0])
	}
	_, err := fmt.Fprint(c.out, script(allWords()))
	return err
}

// shellFunction completes in bash, and in zsh through its emulation.
func shellFunction(w words) string {
	var b strings.Builder
	fmt.Fprintf(&b, `_barnabas() {
  local current="${COMP_WORDS[COMP_CWORD]}" at="${COMP_WORDS[1]} ${COMP_WORDS[2]}" choice=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    choice="%s"
  else
    case "${COMP_WORDS[1]}" in
`, strings.Join(w.nouns, " "))
	for _, noun := range sortedKeys(w.verbs) {
		fmt.Fprintf(&b, "      %s) [ \"$COMP_CWORD\" -eq 2 ] && choice=\"%s\" ;;\n", noun, strings.Join(w.verbs[noun], " "))
	}
	b.WriteString("    esac\n    case \"$at\" in\n")
	keys := sortedKeys(w.flags)
	slices.Reverse(keys) // "topics list" before a noun that is a verb itself
	for _, key := range keys {
		pattern := `"` + key + `"`
		if !strings.Contains(key, " ") {
			pattern = key + `\ *`
		}
		fmt.Fprintf(&b, "      %s) [ -z \"$choice\" ] && choice=\"%s\" ;;\n", pattern, strings.Join(w.flags[key], " "))
	}
	b.WriteString("    esac\n  fi\n  COMPREPLY=($(compgen -W \"$choice\" -- \"$current\"))\n}\n")
	return b.String()
}

func bashScript(w words) string {
	return "# In ~/.bashrc: source <(barnabas completion bash)\n" + shellFunction(w) + "complete -o default -F _barnabas barnabas\n"
}

func zshScript(w words) string {
	return "#compdef barnabas\n# In ~/.zshrc: source <(barnabas completion zsh)\nautoload -U +X bashcompinit && bashcompinit\n" + shellFunction(w) +
		"complete -o default -F _barnabas barnabas\n"
}

func fishScript(w words) string {
	var b strings.Builder
	b.WriteString("# barnabas completion fish > ~/.config/fish/completions/barnabas.fish\n")
	fmt.Fprintf(&b, "complete -c barnabas -n __fish_use_subcommand -f -a '%s'\n", strings.Join(w.nouns, " "))
	for _, noun := range sortedKeys(w.verbs) {
		all := strings.Join(w.verbs[noun], " ")
		fmt.Fprintf(&b, "complete -c barnabas -n '__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from %s' -f -a '%s'\n", noun, all, all)
	}
	for _, key := range sortedKeys(w.flags) {
		condition := "__fish_seen_subcommand_from " + strings.ReplaceAll(key, " ", "; and __fish_seen_subcommand_from ")
		for _, name := range w.flags[key] {
			fmt.Fprintf(&b, "complete -c barnabas -n '%s' -l %s\n", condition, strings.TrimPrefix(name, "--"))
		}
	}
	return b.String()
}
