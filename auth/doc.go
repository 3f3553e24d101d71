// Package auth says who is at the other end of a connection, and what access rules let them do. It holds no connection, no
// record and no setting: those who do hand it what it needs.
//
//	auth/sasl    the exchanges by which clients show who they are
//	auth/oauth   the tokens that they show in one of them
package auth
