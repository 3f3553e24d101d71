package config

import "time"

// Tokens are what the settings say of delegation tokens (KIP-48).
type Tokens struct {
	Secret        string // "" for a broker without tokens
	MaxLifetime   time.Duration
	ExpiryTime    time.Duration // of a token that is not renewed
	CheckInterval time.Duration // between two looks for expired ones
}

func (r *reader) tokens() Tokens {
	return Tokens{
		Secret:        r.text("delegation.token.secret.key"),
		MaxLifetime:   r.millis("delegation.token.max.lifetime.ms"),
		ExpiryTime:    r.millis("delegation.token.expiry.time.ms"),
		CheckInterval: r.millis("delegation.token.expiry.check.interval.ms"),
	}
}
