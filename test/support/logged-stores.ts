// The stores of one test with change logs on one broker: closed after each test, with their streams deleted.

import { after, afterEach, before } from "node:test";
import { urlOf } from "./brokers.ts";
import { type JetStreamBroker, type JetStreamBrokerUnderTest, manageStreams } from "./jetstream.ts";
import { LoggedStore, type LoggedStoreOptions } from "./logged-store.ts";

export class LoggedStores {
  readonly #open = new Set<LoggedStore>();
  #broker: JetStreamBroker | undefined;

  /** Starts the broker before the tests of the present suite, and stops it after them. */
  constructor(underTest: JetStreamBrokerUnderTest) {
    before(async () => {
      this.#broker = await underTest.start();
    });
    after(() => this.#broker?.stop());
    afterEach(async () => {
      for (const logged of this.#open) await this.close(logged);
      await manageStreams(this.url, async ({ streams }) => {
        for (const { config } of await streams.list().next()) await streams.delete(config.name);
      });
    });
  }

  get broker(): JetStreamBroker {
    if (this.#broker === undefined) throw new Error("the broker has not started");
    return this.#broker;
  }

  get url(): string {
    return urlOf(this.broker);
  }

  /** Opens a store. @throws as LoggedStore.open */
  async open(directory: string, also: Partial<LoggedStoreOptions> = {}): Promise<LoggedStore> {
    const logged = await LoggedStore.open({ directory, url: this.url, ...also });
    this.#open.add(logged);
    return logged;
  }

  async close(logged: LoggedStore): Promise<void> {
    this.#open.delete(logged);
    await logged.close();
  }

  /** Returns the sequence of the last message of a stream. Rejects if there is no such stream. */
  lastOf(stream: string): Promise<number> {
    return manageStreams(this.url, async ({ streams }) => (await streams.info(stream)).state.last_seq);
  }
}
