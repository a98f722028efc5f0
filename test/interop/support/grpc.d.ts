/** What the test uses of @grpc/grpc-js, whose own types are not installed in the root. */
export interface EchoClient {
  say(request: string, callback: (error: Error | null, answer: string) => void): void;
  close(): void;
}
export function makeGenericClientConstructor(service: object, name: string): new (address: string, credentials: object, options: object) => EchoClient;
export const credentials: { createSsl(ca: null, key: null, cert: null, options: object): object };
