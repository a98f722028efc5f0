/** What the programs that a runtime runs and those who watch them both know. */
import type { DrainReport } from 'tls-graceful-shutdown';

/** How many bytes a program writes before it closes: more than the kernel takes at once. */
export const SIZE = 5_000_000;

/** Runs a program of this folder in the runtime that is tried, and gives what it prints. */
export type Run = (program: string, ...args: string[]) => Promise<string>;

/** What a program prints: the answers of its calls, and what it has read. */
export interface Seen {
  readonly answers: readonly { readonly value: number; readonly code?: string; readonly sent: string; readonly received: string }[];
  readonly read: number;
}

export const KINDS = ['https', 'http2', 'tls', 'http', 'http2 without TLS', 'net'] as const;
export type Kind = (typeof KINDS)[number];

/** A line that a server prints. */
export interface Line {
  readonly port?: number;
  /** `drainable` has thrown this. */
  readonly refused?: string;
  readonly report?: DrainReport;
}
