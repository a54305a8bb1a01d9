// The system calls of a WASI program (snapshot preview 1) on a Files: as many as wasi-libc needs for this one.
// Source: WASI's witx file of wasi_snapshot_preview1: numbers, layouts of structs.
import { Errno, FileError, type Files, type OpenFile } from './files.js';

export interface Streams {
  /** Bytes of standard input; null at its end. */
  input?(most: number): Uint8Array | null;
  output(bytes: Uint8Array): void;
  error(bytes: Uint8Array): void;
  /** The program draws a progress bar where its errors are read by a person. */
  errorIsTerminal: boolean;
}

export class ProgramExit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

const FileType = { characterDevice: 2, directory: 3, regularFile: 4 };
const ROOT = 3;

interface Descriptor {
  path: string;
  file: OpenFile;
  position: number;
}

/** '/a/../b' and 'b' are both '/b'. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export function wasiImports(
  memory: () => WebAssembly.Memory,
  files: Files,
  streams: Streams,
  environment: string[] = [],
): WebAssembly.ModuleImports {
  const open = new Map<number, Descriptor>();
  const view = () => new DataView(memory().buffer);
  const bytes = (at: number, length: number) => new Uint8Array(memory().buffer, at, length);
  const text = (at: number, length: number) => new TextDecoder().decode(bytes(at, length).slice());
  const pathAt = (folder: number, at: number, length: number) => {
    const base = folder === ROOT ? '/' : (open.get(folder)?.path ?? '/');
    return normal(`${base}/${text(at, length)}`);
  };
  const descriptor = (fd: number): Descriptor => {
    const found = open.get(fd);
    if (!found) throw new FileError(Errno.badFile);
    return found;
  };

  /** Calls `body` for each iovec until it takes less than it was given. Returns the bytes taken. */
  function vectors(at: number, count: number, body: (part: Uint8Array) => number): number {
    let total = 0;
    for (let i = 0; i < count; ++i) {
      const start = view().getUint32(at + 8 * i, true);
      const length = view().getUint32(at + 8 * i + 4, true);
      const taken = body(bytes(start, length));
      total += taken;
      if (taken < length) break;
    }
    return total;
  }

  function writeStatus(to: number, status: { directory: boolean; bytes: number; inode: bigint }): void {
    bytes(to, 64).fill(0);
    view().setBigUint64(to, 1n, true);
    view().setBigUint64(to + 8, status.inode, true);
    view().setUint8(to + 16, status.directory ? FileType.directory : FileType.regularFile);
    view().setBigUint64(to + 24, 1n, true);
    view().setBigUint64(to + 32, BigInt(status.bytes), true);
  }

  const calls: Record<string, (...a: never[]) => number> = {
    args_get: () => Errno.ok,
    args_sizes_get: (count: number, size: number) => {
      view().setUint32(count, 0, true);
      view().setUint32(size, 0, true);
      return Errno.ok;
    },
    environ_get: (pointers: number, buffer: number) => {
      let at = buffer;
      environment.forEach((entry, i) => {
        view().setUint32(pointers + 4 * i, at, true);
        const encoded = new TextEncoder().encode(`${entry}\0`);
        bytes(at, encoded.length).set(encoded);
        at += encoded.length;
      });
      return Errno.ok;
    },
    environ_sizes_get: (count: number, size: number) => {
      const total = environment.reduce((sum, entry) => sum + new TextEncoder().encode(entry).length + 1, 0);
      view().setUint32(count, environment.length, true);
      view().setUint32(size, total, true);
      return Errno.ok;
    },
    clock_time_get: (clock: number, _precision: bigint, to: number) => {
      const ms = clock === 0 ? Date.now() : performance.now();
      view().setBigUint64(to, BigInt(Math.round(ms * 1e6)), true);
      return Errno.ok;
    },
    clock_res_get: (_clock: number, to: number) => {
      view().setBigUint64(to, 1000n, true);
      return Errno.ok;
    },
    random_get: (at: number, length: number) => {
      globalThis.crypto.getRandomValues(bytes(at, length));
      return Errno.ok;
    },
    proc_exit: (code: number) => {
      throw new ProgramExit(code);
    },
    sched_yield: () => Errno.ok,
    poll_oneoff: () => Errno.invalid,

    fd_prestat_get: (fd: number, to: number) => {
      if (fd !== ROOT) return Errno.badFile;
      view().setUint32(to, 0, true);
      view().setUint32(to + 4, 1, true);
      return Errno.ok;
    },
    fd_prestat_dir_name: (fd: number, to: number) => {
      if (fd !== ROOT) return Errno.badFile;
      bytes(to, 1)[0] = 0x2f;
      return Errno.ok;
    },
    fd_fdstat_get: (fd: number, to: number) => {
      let type = FileType.regularFile;
      if (fd === ROOT) type = FileType.directory;
      else if (fd < ROOT) type = fd === 2 && !streams.errorIsTerminal ? 0 : FileType.characterDevice;
      else if (descriptor(fd).file.status().directory) type = FileType.directory;
      bytes(to, 24).fill(0);
      view().setUint8(to, type);
      // A terminal can neither seek nor tell (bits 2 and 5).
      const rights = fd < ROOT ? ~0x24n : ~0n;
      view().setBigUint64(to + 8, BigInt.asUintN(64, rights), true);
      view().setBigUint64(to + 16, BigInt.asUintN(64, ~0n), true);
      return Errno.ok;
    },
    fd_fdstat_set_flags: () => Errno.ok,
    fd_sync: () => Errno.ok,
    fd_close: (fd: number) => {
      if (fd <= ROOT) return Errno.ok;
      descriptor(fd).file.close();
      open.delete(fd);
      return Errno.ok;
    },
    fd_filestat_get: (fd: number, to: number) => {
      if (fd < ROOT) {
        bytes(to, 64).fill(0);
        view().setUint8(to + 16, FileType.characterDevice);
        return Errno.ok;
      }
      writeStatus(to, fd === ROOT ? files.status('/') : descriptor(fd).file.status());
      return Errno.ok;
    },
    fd_filestat_set_size: () => Errno.invalid,
    fd_read: (fd: number, at: number, count: number, read: number) => {
      let total: number;
      if (fd === 0) {
        total = vectors(at, count, (part) => {
          const given = streams.input?.(part.length) ?? null;
          if (given) part.set(given);
          return given?.length ?? 0;
        });
      } else {
        const from = descriptor(fd);
        total = vectors(at, count, (part) => {
          const taken = from.file.read(part, from.position);
          from.position += taken;
          return taken;
        });
      }
      view().setUint32(read, total, true);
      return Errno.ok;
    },
    fd_pread: (fd: number, at: number, count: number, offset: bigint, read: number) => {
      const from = descriptor(fd);
      let position = Number(offset);
      const total = vectors(at, count, (part) => {
        const taken = from.file.read(part, position);
        position += taken;
        return taken;
      });
      view().setUint32(read, total, true);
      return Errno.ok;
    },
    fd_write: (fd: number, at: number, count: number, written: number) => {
      const total = vectors(at, count, (part) => {
        if (fd === 1) streams.output(part.slice());
        else if (fd === 2) streams.error(part.slice());
        else {
          const to = descriptor(fd);
          to.file.write(part, to.position);
          to.position += part.length;
        }
        return part.length;
      });
      view().setUint32(written, total, true);
      return Errno.ok;
    },
    fd_seek: (fd: number, offset: bigint, whence: number, result: number) => {
      if (fd < ROOT) return Errno.seekOnPipe;
      const of = descriptor(fd);
      const base = whence === 0 ? 0 : whence === 1 ? of.position : of.file.status().bytes;
      const position = base + Number(offset);
      if (position < 0) return Errno.invalid;
      of.position = position;
      view().setBigUint64(result, BigInt(position), true);
      return Errno.ok;
    },
    fd_readdir: (fd: number, at: number, length: number, cookie: bigint, used: number) => {
      const names = files.list(fd === ROOT ? '/' : descriptor(fd).path);
      let end = 0;
      for (let i = Number(cookie); i < names.length && end < length; ++i) {
        const name = new TextEncoder().encode(names[i] as string);
        const entry = new Uint8Array(24 + name.length);
        const fields = new DataView(entry.buffer);
        fields.setBigUint64(0, BigInt(i + 1), true);
        fields.setUint32(16, name.length, true);
        entry.set(name, 24);
        const fits = entry.subarray(0, length - end);
        bytes(at + end, fits.length).set(fits);
        end += fits.length;
      }
      view().setUint32(used, end, true);
      return Errno.ok;
    },

    path_open: (
      folder: number,
      _lookup: number,
      at: number,
      length: number,
      how: number,
      rights: bigint,
      _inherited: bigint,
      _flags: number,
      result: number,
    ) => {
      const path = pathAt(folder, at, length);
      const file = files.open(path, {
        write: (rights & 0x40n) !== 0n,
        create: (how & 1) !== 0,
        exclusive: (how & 4) !== 0,
        truncate: (how & 8) !== 0,
      });
      if ((how & 2) !== 0 && !file.status().directory) {
        file.close();
        return Errno.notDirectory;
      }
      let fd = ROOT + 1;
      while (open.has(fd)) ++fd;
      open.set(fd, { path, file, position: 0 });
      view().setUint32(result, fd, true);
      return Errno.ok;
    },
    path_filestat_get: (folder: number, _flags: number, at: number, length: number, to: number) => {
      writeStatus(to, files.status(pathAt(folder, at, length)));
      return Errno.ok;
    },
    path_unlink_file: (folder: number, at: number, length: number) => {
      files.remove(pathAt(folder, at, length));
      return Errno.ok;
    },
    path_rename: (
      folder: number,
      at: number,
      length: number,
      toFolder: number,
      toAt: number,
      toLength: number,
    ) => {
      files.rename(pathAt(folder, at, length), pathAt(toFolder, toAt, toLength));
      return Errno.ok;
    },
    path_create_directory: () => Errno.notPermitted,
    path_remove_directory: () => Errno.notPermitted,
    path_readlink: () => Errno.invalid,
  };

  const imports: WebAssembly.ModuleImports = {};
  for (const [name, call] of Object.entries(calls)) {
    imports[name] = (...parameters: never[]) => {
      try {
        return call(...parameters);
      } catch (error) {
        if (error instanceof FileError) return error.errno;
        throw error;
      }
    };
  }
  return imports;
}
