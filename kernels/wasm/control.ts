/**
 * The first words of a memory, by which threads find their work and wait for each other.
 * @module
 */

/** Byte addresses of words; each stands in a cache line of its own. */
export const control = {
  /** Threads that have come to the barrier. */
  arrived: 64,
  /** Goes up when all have come. */
  generation: 128,
  /** Threads asleep at the barrier. */
  sleepers: 192,
  /** How many threads there are. */
  threads: 256,
  /** Not 0 once a thread has failed or did not come; runs end at once then. */
  fault: 320,
  /** Goes up with each run; a worker that sees a new number runs. */
  epoch: 384,
  /** Messages that were sent to each worker; one that has seen fewer goes and takes them. */
  posted: 448,
  /** Bit 0 while every step of a run is to be stamped, bit 1 while the next one waits for that. */
  stamping: 512,
  /** 0 where thread 0 may not sleep, as on a browser's main thread. */
  sleeps: 576,
  /** Milliseconds after which a thread that has not come is taken for dead. */
  patience: 640,
  /** The plan to run (i32), and its address (two words). */
  job: 704,
  base: 768,
  /** Goes up with each run and each message: what a worker sleeps on, so that it misses neither. */
  calls: 832,
  /** Workers that are there. */
  there: 896,
} as const;

/** Where the table of constant words starts, and how many it holds. */
export const tableStart = 4096;
export const tableRoom = 3800;
/** Where plans and values may lie. */
export const heapStart = 65536;

/**
 * What a thread's own memory begins with, in bytes: which panel it holds (i32, -1 for none), which
 * part of a sequence that belongs to; then the panel.
 */
export const scratchHead = 64;
