package broker

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/auth/kerberos"
	"github.com/barnabas-mq/barnabas/auth/sasl"
	"github.com/barnabas-mq/barnabas/config"
)

// openKerberos makes what begins the logins of GSSAPI on a listener. A keytab that cannot be
// used ends the start, as a key store does.
func (b *Broker) openKerberos(listener string, k *config.Kerberos, replays *kerberos.Replays) (begin func() sasl.Exchange, err error) {
	service, err := kerberos.ParsePrincipal(k.Principal)
	if err != nil {
		return nil, &SettingsError{fmt.Errorf("listener %s: principal in sasl.jaas.config: %w", listener, err)}
	}
	names, err := kerberos.ParseShortNames(service.Realm, k.Rules)
	if err != nil {
		return nil, &SettingsError{fmt.Errorf("listener %s: sasl.kerberos.principal.to.local.rules: %w", listener, err)}
	}
	file := &keytab{file: k.Keytab, readFile: readKeyFile, service: service, log: b.opts.Log.With("listener", listener)}
	if file.mu.keys, err = file.read(); err != nil {
		return nil, &SettingsError{fmt.Errorf("listener %s: the keytab %s: %w", listener, k.Keytab, err)}
	}
	acceptor := kerberos.NewAcceptor(kerberos.Options{
		Keys: file.keys, Now: b.opts.Clock.Now, Replays: replays,
		Random: func(p []byte) { _, _ = rand.Read(p) }, // never fails
	})
	return func() sasl.Exchange {
		context := acceptor.NewContext()
		return sasl.NewGSSAPI(context, func() (string, error) { return names.Of(context.Client()) })
	}, nil
}

// keytab is the file with a service's keys. Each login looks whether it was exchanged, as in
// Java: a client may have a ticket of the new key in the same moment.
type keytab struct {
	file     string
	readFile func(name string) ([]byte, error)
	service  kerberos.Principal
	log      *slog.Logger

	mu struct {
		sync.Mutex
		keys   kerberos.Keys
		of     os.FileInfo // the file that they are of
		readAt time.Time
		fault  string // why the last file was not taken
	}
}

// keys are those that count now. A file that cannot be used leaves those that there are.
func (k *keytab) keys() kerberos.Keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	if info, err := os.Stat(k.file); err == nil && k.isRead(info) {
		return k.mu.keys
	}
	keys, err := k.read()
	if err != nil {
		if k.mu.fault != err.Error() {
			k.mu.fault = err.Error()
			k.log.Warn("the keytab cannot be used, and its old keys stay", "file", k.file, "err", err)
		}
		return k.mu.keys
	}
	k.mu.keys, k.mu.fault = keys, ""
	return keys
}

// mtimeGrain is above what file systems round times to: a file may have changed again within
// it, and look the same.
const mtimeGrain = 2 * time.Second

// isRead tells whether the file is the one that was read.
func (k *keytab) isRead(info os.FileInfo) bool {
	was := k.mu.of
	return was != nil && os.SameFile(was, info) && was.Size() == info.Size() && was.ModTime().Equal(info.ModTime()) &&
		k.mu.readAt.Sub(was.ModTime()) > mtimeGrain
}

// read reads the file.
func (k *keytab) read() (kerberos.Keys, error) {
	info, err := os.Stat(k.file)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	raw, err := k.readFile(k.file)
	if err != nil {
		return nil, err // to be read when it can be, by which it need not look any different
	}
	k.mu.of, k.mu.readAt = info, at
	parsed, err := kerberos.ParseKeytab(raw)
	if err != nil {
		return nil, err
	}
	return parsed.Of(k.service)
}
