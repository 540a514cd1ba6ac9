// The floor: a bare send() loop in C.

import type { Contender } from "./contender.ts";
import { compile, NativeProgram } from "./native-program.ts";

export async function startFloor(): Promise<Contender> {
  const program = new NativeProgram(compile("send-floor"));
  const port = Number(await program.nextLine());
  const order = async (line: string): Promise<void> => {
    const answer = await program.ask(line);
    if (answer !== "done 0") throw new Error(`the floor could not send everything: ${answer}`);
  };
  return {
    port,
    pid: program.pid,
    count: async () => Number(await program.ask("count")),
    each: (times) => order(`each ${times}`),
    random: (messages) => order(`random ${messages}`),
    paced: (rate, seconds) => order(`paced ${rate} ${seconds}`),
    stop: () => program.stop(),
  };
}
