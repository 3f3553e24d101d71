package kerberos

import "fmt"

// Error is a token that is not accepted.
type Error struct {
	// Code is of RFC 4120, section 7.5.9.
	Code   Code
	Reason string
}

// Code is an error code of Kerberos.
type Code int

// The codes that an acceptor gives.
const (
	CodeEncryption  Code = 14 // KDC_ERR_ETYPE_NOSUPP
	CodeUnavailable Code = 29 // KDC_ERR_SVC_UNAVAILABLE
	CodeNotOpened   Code = 31 // KRB_AP_ERR_BAD_INTEGRITY
	CodeExpired     Code = 32 // KRB_AP_ERR_TKT_EXPIRED
	CodeNotYetValid Code = 33 // KRB_AP_ERR_TKT_NYV
	CodeReplay      Code = 34 // KRB_AP_ERR_REPEAT
	CodeBadMatch    Code = 36 // KRB_AP_ERR_BADMATCH
	CodeSkew        Code = 37 // KRB_AP_ERR_SKEW
	CodeModified    Code = 41 // KRB_AP_ERR_MODIFIED
	CodeBadOrder    Code = 42 // KRB_AP_ERR_BADORDER
	CodeBadChecksum Code = 50 // KRB_AP_ERR_INAPP_CKSUM
	CodeBadPath     Code = 51 // KRB_AP_PATH_NOT_ACCEPTED: the realms by which the client came
	CodeUnsuited    Code = 60 // KRB_ERR_GENERIC
)

func (e *Error) Error() string { return fmt.Sprintf("%s (Kerberos error %d)", e.Reason, e.Code) }

// Retriable tells whether the same client may well succeed a moment later (KerberosError in
// Kafka).
func (e *Error) Retriable() bool {
	return e.Code == CodeNotYetValid || e.Code == CodeReplay || e.Code == CodeUnavailable
}

func refuse(code Code, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}
