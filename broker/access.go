package broker

import (
	"fmt"
	"log/slog"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/internal/ssl"
	"github.com/barnabas-mq/barnabas/server"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openAccess makes the authorizer, and what turns certificates into names, for a whole
// life: none of it is altered.
func (b *Broker) openAccess() error {
	settings := b.settings.Load()
	b.nameRules = make(map[string]auth.NameRules)
	for _, l := range settings.Listeners {
		text, secured := settings.ListenerNameRules[l.Name]
		if _, logins := settings.ListenerSASL[l.Name]; logins || !secured {
			continue
		}
		rules, err := auth.ParseNameRules(text)
		if err != nil {
			return &SettingsError{fmt.Errorf("listener %s: ssl.principal.mapping.rules: %w", l.Name, err)}
		}
		b.nameRules[l.Name] = rules
	}
	b.access = nil
	if !settings.Access.On {
		return nil
	}
	supers := make(map[string]bool, len(settings.Access.SuperUsers))
	for _, user := range settings.Access.SuperUsers {
		supers[user] = true
	}
	b.access = &api.Access{
		Authorizer: &auth.Authorizer{SuperUsers: supers, AllowIfNone: settings.Access.AllowIfNone},
		Audit: &api.Audit{Lines: server.Lines{
			Log: b.opts.Log, Clock: b.opts.Clock, Level: slog.LevelInfo, Message: "access denied", PerSecond: settings.Access.DeniedLinesMax,
		}},
	}
	if settings.HTTP.Control {
		b.opts.Log.Warn("whoever reaches the HTTP port may wipe the broker, whatever the access rules say (barnabas.control)")
	}
	if len(supers) == 0 && !settings.Access.AllowIfNone && b.metadata.Image().ACLs().Len() == 0 {
		b.opts.Log.Warn("nobody may do anything here: there are no super.users and no access rules, and nobody may add some; set super.users=User:NAME")
	}
	return nil
}

// closeAccess has nothing denied that is written down any more. No connection is served.
func (b *Broker) closeAccess() {
	if b.access != nil {
		b.access.Audit.Close()
	}
}

// principalOf is who the client of a connection is before any login: by its certificate,
// where the listener has TLS and no logins (DefaultKafkaPrincipalBuilder).
func (b *Broker) principalOf(c *server.Conn) (auth.Principal, error) {
	rules, named := b.nameRules[c.Listener.Name]
	if !named || c.TLS == nil || len(c.TLS.PeerCertificates) == 0 {
		return auth.Anonymous, nil
	}
	name, err := ssl.NameOf(c.TLS.PeerCertificates[0].RawSubject)
	if err == nil {
		name, err = rules.Apply(name)
	}
	return auth.User(name), err
}
