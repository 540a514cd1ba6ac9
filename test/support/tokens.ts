// The key with which tests sign users' tokens, and the header that carries a token.

/** 32 bytes, the minimum for HS256. */
export const KEY = "0123456789abcdef0123456789abcdef";

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}
