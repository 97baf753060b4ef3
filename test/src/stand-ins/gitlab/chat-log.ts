/** Answers of the assistant, for `aiMessages` to find. In memory: the real ones live in Redis for a while. */
export interface ChatMessage {
  id: string;
  requestId: string;
  userId: string;
  role: "USER" | "ASSISTANT";
  content: string | null;
  errors: string[];
  timestamp: string;
  threadId: string;
}

const KEPT = 200;

export class ChatLog {
  #messages: ChatMessage[] = [];

  add(message: ChatMessage): void {
    this.#messages.push(message);
    if (this.#messages.length > KEPT) this.#messages.shift();
  }

  of(userId: string): ChatMessage[] {
    return this.#messages.filter((message) => message.userId === userId);
  }
}
