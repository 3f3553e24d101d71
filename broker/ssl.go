package broker

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/ssl"
)

// sslBytesMax bounds a file of keys or certificates: the trust store of a whole
// system has less than half a megabyte.
const sslBytesMax = 16 << 20

// readKeyFile reads a file that a setting names. It is none of the data directory's, so
// that it comes from the machine even where the data live in memory.
func readKeyFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", name) // to open a pipe would wait for whoever writes to it
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	raw, err := io.ReadAll(io.LimitReader(f, sslBytesMax+1))
	if err == nil && len(raw) > sslBytesMax {
		err = fmt.Errorf("%s is larger than %d bytes, which no key store is", name, sslBytesMax)
	}
	return raw, err
}

// secure makes what a listener with TLS asks for its keys. They come with useSSL, once it
// is known which settings were altered; nobody is served before.
func (b *Broker) secure(listener string) *ssl.Provider {
	if b.secured == nil {
		b.secured = make(map[string]*ssl.Provider)
	}
	b.secured[listener] = ssl.NewProvider(readKeyFile)
	return b.secured[listener]
}

// useSSL reads the keys and certificates of all listeners with TLS at the beginning of
// a life. What was configured closed is not opened otherwise: an error ends the start.
func (b *Broker) useSSL() error {
	settings := b.settings.Load()
	for name, provider := range b.secured {
		if err := provider.Use(settings.ListenerSSL[name]); err != nil {
			return &SettingsError{fmt.Errorf("listener %s: %w", name, err)}
		}
		b.warnOfOpenKey(name)
	}
	return nil
}

// warnOfOpenKey tells of a private key that every user of the machine may read. It is used
// all the same: a container's secrets are mounted so, and nobody else is in there.
func (b *Broker) warnOfOpenKey(listener string) {
	const readableByOthers = 0o004
	name := b.settings.Load().ListenerSSL[listener].Keys.Open()
	if name == "" || runtime.GOOS == "windows" { // where the bits say nothing
		return
	}
	if info, err := os.Stat(name); err == nil && info.Mode().Perm()&readableByOthers != 0 {
		b.opts.Log.Warn("everybody on this machine may read the private key of a listener; take the right away (chmod o-r), or encrypt the key and set ssl.key.password",
			"listener", listener, "file", name)
	}
}

// changeSSL takes altered stores into use. They were looked at before they were
// accepted; should they be gone since, the listener keeps what it has.
func (b *Broker) changeSSL(before, next *config.Broker) {
	for name, provider := range b.secured {
		if storesDiffer(before.ListenerSSL[name], next.ListenerSSL[name]) {
			b.tellSSL(name, true, provider.Change(next.ListenerSSL[name]))
		}
	}
}

func storesDiffer(a, b ssl.Settings) bool { return a.Keys != b.Keys || a.Trust != b.Trust }

// reloadSSL looks whether files of keys and certificates have changed.
func (b *Broker) reloadSSL() {
	for name, provider := range b.secured {
		changed, err := provider.Reload()
		b.tellSSL(name, changed, err)
	}
}

// tellSSL tells of new keys, and of those that cannot be used once, until that changes.
func (b *Broker) tellSSL(listener string, changed bool, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	known, _ := b.sslFaults.Swap(listener, text)
	switch {
	case err != nil && known != text:
		b.opts.Log.Warn("the listener keeps its key and certificates: the new ones cannot be used", "listener", listener, "error", err)
	case err == nil && changed:
		b.warnOfOpenKey(listener)
		b.opts.Log.Log(context.Background(), LevelNotice, "new keys and certificates are used for the connections that come now", "listener", listener)
	}
}

// checkSSL tells whether the stores that are about to be altered can be used.
func (b *Broker) checkSSL(next *config.Broker) error {
	now := b.settings.Load()
	for name, provider := range b.secured {
		if !storesDiffer(now.ListenerSSL[name], next.ListenerSSL[name]) {
			continue
		}
		if err := provider.Check(next.ListenerSSL[name]); err != nil {
			return fmt.Errorf("listener %s: %w", name, err)
		}
	}
	return nil
}
