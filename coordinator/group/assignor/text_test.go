package assignor

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/protocol"
)

// In the texts of these tests a topic is its index in the group, and an
// assignment is 0:1,2;3:0 (partitions 1 and 2 of topic 0, and 0 of topic 3) or a
// dash when it is empty.

// topicID is the id of the topic with that index; ids and indexes sort alike.
func topicID(t int) protocol.UUID {
	var id protocol.UUID
	id[14], id[15] = byte(t>>8), byte(t)
	return id
}

func topicIndex(id protocol.UUID) int { return int(id[14])<<8 | int(id[15]) }

func mustNumbers(text string) []int32 {
	var numbers []int32
	if text == "-" {
		return nil
	}
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			panic(err)
		}
		numbers = append(numbers, int32(n))
	}
	return numbers
}

func numbersText(numbers []int32) string {
	if len(numbers) == 0 {
		return "-"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(numbers), "[]"), " ", ",")
}

func mustAssignment(text string) Assignment {
	var a Assignment
	if text == "-" {
		return nil
	}
	for entry := range strings.SplitSeq(text, ";") {
		topic, partitions, _ := strings.Cut(entry, ":")
		a = append(a, Partitions{Topic: topicID(int(mustNumbers(topic)[0])), Partitions: mustNumbers(partitions)})
	}
	return a
}

func assignmentText(a Assignment) string {
	var entries []string
	for _, entry := range a {
		entries = append(entries, fmt.Sprintf("%d:%s", topicIndex(entry.Topic), numbersText(entry.Partitions)))
	}
	if entries == nil {
		return "-"
	}
	return strings.Join(entries, ";")
}

func topicsOf(counts ...int32) []Topic {
	var topics []Topic
	for t, n := range counts {
		topics = append(topics, Topic{ID: topicID(t), Partitions: n})
	}
	return topics
}
