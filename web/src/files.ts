// A file system as the program sees it: absolute paths with '/'. Two kinds: in memory for the page, Node's for the command.

export const Errno = {
  ok: 0,
  access: 2,
  badFile: 8,
  exists: 20,
  invalid: 28,
  io: 29,
  isDirectory: 31,
  notFound: 44,
  notDirectory: 54,
  notEmpty: 55,
  notPermitted: 63,
  seekOnPipe: 70,
} as const;

export class FileError extends Error {
  constructor(readonly errno: number) {
    super(`errno ${errno}`);
  }
}

export interface Status {
  directory: boolean;
  bytes: number;
  /** Equal for two names of one file. */
  inode: bigint;
}

export interface OpenFile {
  status(): Status;
  /** Returns the number of bytes read; 0 at the end. */
  read(to: Uint8Array, at: number): number;
  write(from: Uint8Array, at: number): void;
  close(): void;
}

export interface OpenOptions {
  write: boolean;
  create: boolean;
  exclusive: boolean;
  truncate: boolean;
}

export interface Files {
  open(path: string, options: OpenOptions): OpenFile;
  status(path: string): Status;
  list(path: string): string[];
  remove(path: string): void;
  rename(from: string, to: string): void;
}

class MemoryFile {
  private buffer: Uint8Array;
  bytes: number;
  constructor(
    readonly inode: bigint,
    content: Uint8Array,
  ) {
    this.buffer = content;
    this.bytes = content.length;
  }
  content(): Uint8Array {
    return this.buffer.subarray(0, this.bytes);
  }
  write(from: Uint8Array, at: number): void {
    const end = at + from.length;
    if (end > this.buffer.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.buffer.length, 4096));
      grown.set(this.content());
      this.buffer = grown;
    }
    this.buffer.set(from, at);
    this.bytes = Math.max(this.bytes, end);
  }
}

/** Files in memory. Folders are there where files are. */
export class MemoryFiles implements Files {
  private readonly files = new Map<string, MemoryFile>();
  private inodes = 1n;

  put(path: string, content: Uint8Array): void {
    this.files.set(path, new MemoryFile(this.inodes++, content));
  }
  get(path: string): Uint8Array | undefined {
    return this.files.get(path)?.content();
  }

  open(path: string, options: OpenOptions): OpenFile {
    let file = this.files.get(path);
    if (!file && this.isFolder(path)) {
      if (options.write) throw new FileError(Errno.isDirectory);
      const status = this.status(path);
      return {
        status: () => status,
        read: () => {
          throw new FileError(Errno.isDirectory);
        },
        write: () => {
          throw new FileError(Errno.badFile);
        },
        close: () => {},
      };
    }
    if (file && options.create && options.exclusive) throw new FileError(Errno.exists);
    if (!file) {
      if (!options.create) throw new FileError(Errno.notFound);
      file = new MemoryFile(this.inodes++, new Uint8Array(0));
      this.files.set(path, file);
    } else if (options.truncate) {
      file.bytes = 0;
    }
    const opened = file;
    return {
      status: () => ({ directory: false, bytes: opened.bytes, inode: opened.inode }),
      read: (to, at) => {
        const part = opened.content().subarray(at, at + to.length);
        to.set(part);
        return part.length;
      },
      write: (from, at) => opened.write(from, at),
      close: () => {},
    };
  }
  status(path: string): Status {
    const file = this.files.get(path);
    if (file) return { directory: false, bytes: file.bytes, inode: file.inode };
    if (this.isFolder(path)) return { directory: true, bytes: 0, inode: 0n };
    throw new FileError(Errno.notFound);
  }
  list(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const names = [...this.files.keys()].filter((name) => name.startsWith(prefix));
    return [...new Set(names.map((name) => name.slice(prefix.length).split('/')[0] as string))].sort();
  }
  remove(path: string): void {
    if (!this.files.delete(path)) throw new FileError(Errno.notFound);
  }
  rename(from: string, to: string): void {
    const file = this.files.get(from);
    if (!file) throw new FileError(Errno.notFound);
    this.files.delete(from);
    this.files.set(to, file);
  }
  private isFolder(path: string): boolean {
    return path === '/' || this.list(path).length > 0;
  }
}
