package metadata

import (
	"iter"
	"slices"
	"strings"
)

// treeFanout is the largest number of keys in a node. Creating one topic among
// 100,000 allocates 6.5 KB with 16, 7.8 KB with 32 and 10.7 KB with 64; memory per
// topic and the time of a lookup hardly differ.
const treeFanout = 32

// owner marks the nodes that one draft has made and may change in place. It has
// a size so that two owners never share an address.
type owner struct{ _ byte }

// tree is a persistent map ordered by key (a B+ tree). A tree that was handed
// out never changes: set and remove copy every node that their owner did not make.
// The zero tree is empty.
type tree[V any] struct {
	root *node[V]
	size int
}

// node is a leaf with values or an inner node with children.
//
// Invariant: keys ascend; a leaf has one value per key; in an inner node keys[i]
// is at most the smallest key below children[i], and keys[i+1] is above all of
// them; no node is empty.
type node[V any] struct {
	owner    *owner
	keys     []string
	values   []V
	children []*node[V]
}

// find is the index of the last key <= key, and whether it is equal; -1 when all
// keys are larger.
func find[K string | []byte](keys []string, key K) (int, bool) {
	low, high := 0, len(keys)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if keys[middle] <= string(key) { // the conversion does not allocate
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - 1, low > 0 && keys[low-1] == string(key)
}

func lookup[V any, K string | []byte](n *node[V], key K) (value V, ok bool) {
	for n != nil {
		i, exact := find(n.keys, key)
		if i < 0 {
			break
		}
		if n.children == nil {
			if exact {
				return n.values[i], true
			}
			break
		}
		n = n.children[i]
	}
	return value, false
}

func (t tree[V]) get(key string) (V, bool) { return lookup(t.root, key) }

func (t tree[V]) getBytes(key []byte) (V, bool) { return lookup(t.root, key) }

// from yields the entries with key >= start in ascending order.
func (t tree[V]) from(start string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		if t.root != nil {
			t.root.from(start, yield)
		}
	}
}

func (n *node[V]) from(start string, yield func(string, V) bool) bool {
	i, exact := find(n.keys, start)
	if n.children == nil {
		if !exact {
			i++
		}
		for ; i < len(n.keys); i++ {
			if !yield(n.keys[i], n.values[i]) {
				return false
			}
		}
		return true
	}
	for i = max(i, 0); i < len(n.children); i++ {
		if !n.children[i].from(start, yield) {
			return false
		}
	}
	return true
}

// set returns t with the value at key. Nodes of o are changed in place.
func (t tree[V]) set(o *owner, key string, value V) tree[V] {
	if t.root == nil {
		return tree[V]{root: &node[V]{owner: o, keys: []string{key}, values: []V{value}}, size: 1}
	}
	root := t.root.owned(o)
	added, right := root.set(o, key, value)
	if right != nil {
		root = &node[V]{owner: o, keys: []string{root.keys[0], right.keys[0]}, children: []*node[V]{root, right}}
	}
	if added {
		t.size++
	}
	return tree[V]{root: root, size: t.size}
}

// owned is n itself, or a copy that o may change.
func (n *node[V]) owned(o *owner) *node[V] {
	if n.owner == o {
		return n
	}
	c := &node[V]{owner: o, keys: append(make([]string, 0, len(n.keys)+1), n.keys...)}
	if n.children != nil {
		c.children = append(make([]*node[V], 0, len(n.children)+1), n.children...)
	} else {
		c.values = append(make([]V, 0, len(n.values)+1), n.values...)
	}
	return c
}

// set changes n, which the owner owns. It tells whether the key is new, and
// returns the right half when n had to be split.
func (n *node[V]) set(o *owner, key string, value V) (added bool, right *node[V]) {
	i, exact := find(n.keys, key)
	if n.children == nil {
		if exact {
			n.values[i] = value
			return false, nil
		}
		n.keys = slices.Insert(n.keys, i+1, key)
		n.values = slices.Insert(n.values, i+1, value)
		return true, n.split(o)
	}
	if i < 0 {
		i = 0
		n.keys[0] = key
	}
	child := n.children[i].owned(o)
	n.children[i] = child
	added, half := child.set(o, key, value)
	if half == nil {
		return added, nil
	}
	n.keys = slices.Insert(n.keys, i+1, half.keys[0])
	n.children = slices.Insert(n.children, i+1, half)
	return added, n.split(o)
}

// split halves a node that has become too large and returns the right half.
func (n *node[V]) split(o *owner) *node[V] {
	if len(n.keys) <= treeFanout {
		return nil
	}
	at := len(n.keys) / 2
	right := &node[V]{owner: o, keys: slices.Clone(n.keys[at:])}
	clear(n.keys[at:])
	n.keys = n.keys[:at]
	if n.children != nil {
		right.children = slices.Clone(n.children[at:])
		clear(n.children[at:])
		n.children = n.children[:at]
	} else {
		right.values = slices.Clone(n.values[at:])
		clear(n.values[at:])
		n.values = n.values[:at]
	}
	return right
}

// remove returns t without key.
func (t tree[V]) remove(o *owner, key string) tree[V] {
	if _, ok := t.get(key); !ok {
		return t
	}
	root := t.root.owned(o)
	root.remove(o, key)
	for root != nil && root.children != nil && len(root.children) == 1 {
		root = root.children[0]
	}
	if len(root.keys) == 0 {
		root = nil
	}
	return tree[V]{root: root, size: t.size - 1}
}

// remove takes an existing key out of n, which the owner owns. Nodes are dropped
// when they are empty and not merged before: topics come and go, and a tree of
// half-empty nodes costs a few per cent, where merging costs a page of code.
func (n *node[V]) remove(o *owner, key string) {
	i, _ := find(n.keys, key)
	if n.children == nil {
		n.keys = slices.Delete(n.keys, i, i+1)
		n.values = slices.Delete(n.values, i, i+1)
		return
	}
	child := n.children[i].owned(o)
	child.remove(o, key)
	if len(child.keys) == 0 {
		n.keys = slices.Delete(n.keys, i, i+1)
		n.children = slices.Delete(n.children, i, i+1)
		return
	}
	n.children[i] = child
}

// withPrefix yields the entries whose key begins with prefix, ascending.
func (t tree[V]) withPrefix(prefix string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for k, v := range t.from(prefix) {
			if !strings.HasPrefix(k, prefix) || !yield(k, v) {
				return
			}
		}
	}
}
