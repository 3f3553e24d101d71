package ssl

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Provider has the TLS configuration of a listener, and makes another one when the
// settings or the files behind them have changed. It is safe for concurrent use.
type Provider struct {
	read    ReadFile
	current atomic.Pointer[tls.Config] // nil before Use

	mu struct {
		sync.Mutex
		settings Settings
		files    [sha256.Size]byte // of what was read for current
	}
}

// NewProvider makes a provider that serves nobody before Use.
func NewProvider(read ReadFile) *Provider { return &Provider{read: read} }

// Config is for the listener: whoever connects gets what is current then.
func (p *Provider) Config() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if c := p.current.Load(); c != nil {
			return c, nil
		}
		return nil, errors.New("the listener has no key yet")
	}}
}

// Use serves with these settings from now on, whatever there was before. The error says
// which file or setting is wrong; what was there stays then.
func (p *Provider) Use(s Settings) error {
	files, sum, err := p.snapshot(s)
	if err != nil {
		return err
	}
	next, err := s.load(files.read)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.settings, p.mu.files = s, sum
	p.current.Store(next)
	return nil
}

// Change takes the stores of s into use while clients know the listener by those that it
// has: nothing else may change then (SslConfigs.RECONFIGURABLE_CONFIGS). On an error
// what was there stays.
func (p *Provider) Change(s Settings) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.changeLocked(s)
	return err
}

// Check tells whether Change would succeed.
func (p *Provider) Check(s Settings) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next, _, _, err := p.prepareLocked(s)
	if err == nil && next != nil {
		err = p.fitsLocked(next)
	}
	return err
}

// Reload looks at the files again, and tells whether something has changed.
func (p *Provider) Reload() (changed bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changeLocked(p.mu.settings)
}

func (p *Provider) changeLocked(s Settings) (changed bool, err error) {
	next, settings, sum, err := p.prepareLocked(s)
	if err != nil || next == nil {
		return false, err
	}
	if err := p.fitsLocked(next); err != nil {
		return false, err
	}
	p.mu.settings, p.mu.files = settings, sum
	p.current.Store(next)
	return true, nil
}

// prepareLocked makes the configuration with the stores of s, nil when it is the present
// one. Files that are as they were are not decrypted again.
func (p *Provider) prepareLocked(s Settings) (next *tls.Config, settings Settings, sum [sha256.Size]byte, err error) {
	settings = p.mu.settings
	if settings.ClientAuth != ClientAuthNone && settings.Trust.IsSet() && !s.Trust.IsSet() {
		return nil, settings, sum, errors.New("a listener that asks clients for certificates cannot lose its trust store: everybody would be trusted whom the machine trusts")
	}
	settings.Keys, settings.Trust = s.Keys, s.Trust
	files, sum, err := p.snapshot(settings)
	if err != nil || sum == p.mu.files && settings.Keys == p.mu.settings.Keys && settings.Trust == p.mu.settings.Trust {
		return nil, settings, sum, err
	}
	next, err = settings.load(files.read)
	return next, settings, sum, err
}

// fitsLocked tells whether the new certificate may take the present one's place while
// clients know the broker by that (SslFactory.CertificateEntries).
func (p *Provider) fitsLocked(next *tls.Config) error {
	s, before, after := p.mu.settings, p.current.Load().Certificates[0].Leaf, next.Certificates[0].Leaf
	if !s.DNChanges && canonical(before) != canonical(after) {
		return fmt.Errorf("the new certificate is of %q and the old one of %q; ssl.allow.dn.changes=true allows that", after.Subject, before.Subject)
	}
	if s.SANChanges {
		return nil
	}
	for _, name := range namesOf(before) {
		if !slices.Contains(namesOf(after), name) {
			return fmt.Errorf("the new certificate lacks the name %q that the old one has; ssl.allow.san.changes=true allows that", name)
		}
	}
	return nil
}

// canonical is a certificate's name as Java compares it: without regard to case, to
// spaces and to the kind of string that it is written in.
func canonical(c *x509.Certificate) string {
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(c.RawSubject, &name); err != nil {
		return string(c.RawSubject) // the same bytes at least
	}
	return strings.ToLower(strings.Join(strings.Fields(name.String()), " "))
}

// namesOf are a certificate's alternative names.
func namesOf(c *x509.Certificate) (names []string) {
	names = slices.Concat(c.DNSNames, c.EmailAddresses)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	for _, uri := range c.URIs {
		names = append(names, uri.String())
	}
	return names
}

// snapshot is what the files of some settings hold, read once.
type snapshot map[string][]byte

// snapshot reads the files that are needed, and sums them up.
func (p *Provider) snapshot(s Settings) (snapshot, [sha256.Size]byte, error) {
	files, sum := snapshot{}, sha256.New()
	for _, one := range []struct{ name, what string }{
		{s.Keys.Location, "the key store (ssl.keystore.location)"}, {s.trustLocation(), "the trust store (ssl.truststore.location)"},
	} {
		if one.name == "" {
			continue
		}
		raw, err := p.read(one.name)
		if err != nil {
			return nil, [sha256.Size]byte{}, fmt.Errorf("%s: %w", one.what, err)
		}
		files[one.name] = raw
		fmt.Fprintf(sum, "%d ", len(raw))
		sum.Write(raw) // a hash does not fail
	}
	return files, [sha256.Size]byte(sum.Sum(nil)), nil
}

func (f snapshot) read(name string) ([]byte, error) {
	raw, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return raw, nil
}
