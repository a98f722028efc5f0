/** A case of somebody else's tests, written anew from what it checks: a row of docs/others-tests.md each. */
import { SIDES, VERSIONS, type Side, type Version } from '../support/pair.js';

export interface Place {
  readonly version: Version;
  readonly side: Side;
}

export interface Row {
  /** Its name there. Cases that check the same are one row. */
  readonly test: string;
  readonly checks: string;
  readonly theirs: string;
  /** What `run` comes to, with `; ` between the parts. */
  readonly ours: string | ((place: Place) => string);
  /** Where an application is told something else, or has to do something else. */
  readonly why?: string;
  /** Else on all. */
  readonly versions?: readonly Version[];
  /** Of our socket. */
  readonly sides?: readonly Side[];
  run(place: Place): Promise<readonly string[]>;
}

export interface Project {
  readonly name: string;
  readonly rows: readonly Row[];
}

export function placesOf({ versions = VERSIONS, sides = SIDES }: Row): Place[] {
  return versions.flatMap((version) => sides.map((side) => ({ version, side })));
}

export function oursAt({ ours }: Row, place: Place): string {
  return typeof ours === 'string' ? ours : ours(place);
}
