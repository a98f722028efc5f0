export { probe } from './probe.js';
export { serve } from './serve/serve.js';
export type { CloseKind, End, ProbeAnswer, ProbeOptions, ProbeReport, Question, ServeOptions, Serving } from './types.js';
