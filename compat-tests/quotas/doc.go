// Package quotas holds Barnabas and Apache Kafka to the arithmetic of Kafka's quotas: the
// same requests, and the throttle times that follow from their bytes. What passes between
// two requests shortens a throttle time by less than a second, however busy the machine is,
// so that a test allows for that second and measures nothing itself.
package quotas
