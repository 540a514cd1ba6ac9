// Finds the subscriptions of a subject. Literal subjects, nearly all of them (one per connected user), are in
// a hash map; patterns are in a tree of tokens. Owned by one embedded broker. It holds exactly the
// subscriptions that were added and not removed, and no empty nodes.

/** The fields of a subscription that the tree uses; the broker's own record extends it. */
export interface Subscribed {
  readonly pattern: string;
  /** Members of a queue group share its messages; without a group, a subscription receives all of them. */
  readonly queue: string | undefined;
}

interface Node<S> {
  readonly children: Map<string, Node<S>>;
  readonly here: S[];
}

const ANY_TOKEN = "*";
const ANY_REST = ">";

export class SubjectTree<S extends Subscribed> {
  readonly #literals = new Map<string, S[]>();
  #patterns: Node<S> = newNode();
  #size = 0;
  #patternCount = 0;

  get size(): number {
    return this.#size;
  }

  add(subscription: S): void {
    this.#size += 1;
    if (!isPattern(subscription.pattern)) {
      const there = this.#literals.get(subscription.pattern);
      if (there === undefined) this.#literals.set(subscription.pattern, [subscription]);
      else there.push(subscription);
      return;
    }
    this.#patternCount += 1;
    let node = this.#patterns;
    for (const token of subscription.pattern.split(".")) {
      let child = node.children.get(token);
      if (child === undefined) {
        child = newNode();
        node.children.set(token, child);
      }
      node = child;
    }
    node.here.push(subscription);
  }

  /** Returns false if the subscription was not in the tree. */
  remove(subscription: S): boolean {
    const removed = isPattern(subscription.pattern)
      ? this.#removePattern(this.#patterns, subscription.pattern.split("."), 0, subscription)
      : this.#removeLiteral(subscription);
    if (removed) this.#size -= 1;
    return removed;
  }

  /**
   * Returns every subscription that matches a literal subject, including queue members, in no particular
   * order.
   */
  match(subject: string): readonly S[] {
    if (hasEmptyToken(subject)) return [];
    const literal = this.#literals.get(subject) ?? [];
    if (this.#patternCount === 0) return literal;
    const found: S[] = [];
    collect(this.#patterns, subject.split("."), 0, found);
    return found.length === 0 ? literal : literal.length === 0 ? found : literal.concat(found);
  }

  #removeLiteral(subscription: S): boolean {
    const there = this.#literals.get(subscription.pattern);
    if (there === undefined || !removeFrom(there, subscription)) return false;
    if (there.length === 0) this.#literals.delete(subscription.pattern);
    return true;
  }

  #removePattern(node: Node<S>, tokens: readonly string[], depth: number, subscription: S): boolean {
    const token = tokens[depth];
    if (token === undefined) {
      if (!removeFrom(node.here, subscription)) return false;
      this.#patternCount -= 1;
      return true;
    }
    const child = node.children.get(token);
    if (child === undefined || !this.#removePattern(child, tokens, depth + 1, subscription)) return false;
    if (child.here.length === 0 && child.children.size === 0) node.children.delete(token);
    return true;
  }
}

function newNode<S>(): Node<S> {
  return { children: new Map(), here: [] };
}

function isPattern(subject: string): boolean {
  return subject.includes(ANY_TOKEN) || subject.includes(ANY_REST);
}

function hasEmptyToken(subject: string): boolean {
  return subject === "" || subject.startsWith(".") || subject.endsWith(".") || subject.includes("..");
}

function removeFrom<S>(list: S[], item: S): boolean {
  const index = list.indexOf(item);
  if (index === -1) return false;
  list.splice(index, 1);
  return true;
}

function collect<S>(node: Node<S>, tokens: readonly string[], depth: number, found: S[]): void {
  const rest = node.children.get(ANY_REST);
  if (rest !== undefined && depth < tokens.length) found.push(...rest.here);
  const token = tokens[depth];
  if (token === undefined) {
    found.push(...node.here);
    return;
  }
  // a wildcard in a published subject is an ordinary token, which the tree already contains as a pattern's
  // token
  const exact = token === ANY_TOKEN || token === ANY_REST ? undefined : node.children.get(token);
  if (exact !== undefined) collect(exact, tokens, depth + 1, found);
  const any = node.children.get(ANY_TOKEN);
  if (any !== undefined) collect(any, tokens, depth + 1, found);
}

/**
 * Whether a SUB may name this subject: no empty token, `*` and `>` only as whole tokens, `>` only at the end.
 */
export function isValidPattern(pattern: string): boolean {
  const tokens = pattern.split(".");
  return tokens.every((token, index) => token !== "" && (token !== ANY_REST || index === tokens.length - 1));
}
