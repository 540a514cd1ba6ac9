// The key that tests sign users' tokens with, and how a request carries a token.

/** 32 bytes: as long as HS256 needs. */
export const KEY = "0123456789abcdef0123456789abcdef";

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}
