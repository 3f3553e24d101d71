package jaas

// The login modules by which Kafka's brokers and clients configure mechanisms of SASL.
const (
	PlainModule    = "org.apache.kafka.common.security.plain.PlainLoginModule"
	ScramModule    = "org.apache.kafka.common.security.scram.ScramLoginModule"
	OAuthModule    = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
	KerberosModule = "com.sun.security.auth.module.Krb5LoginModule"
)
