// Node's file system for the program. Paths of Windows ("C:\models\a.bin") are "/C:/models/a.bin" in the program.
import * as fs from 'node:fs';
import { Errno, FileError, type Files, type OpenFile, type OpenOptions, type Status } from './files.js';

const ERRNOS: Record<string, number> = {
  ENOENT: Errno.notFound,
  EACCES: Errno.access,
  EPERM: Errno.notPermitted,
  EEXIST: Errno.exists,
  EISDIR: Errno.isDirectory,
  ENOTDIR: Errno.notDirectory,
};

function translated<Result>(body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    throw new FileError(ERRNOS[(error as NodeJS.ErrnoException).code ?? ''] ?? Errno.io);
  }
}

/** From the program's path to the system's. */
export function systemPath(path: string, platform = process.platform): string {
  if (platform !== 'win32') return path;
  // A path with a drive that was given relative to the current folder.
  const drive = path.match(/^.*[\\/]([A-Za-z]:.*)$/);
  return drive?.[1] ?? path;
}

/** From the system's path of the current folder to the program's. */
export function programPath(path: string, platform = process.platform): string {
  return platform === 'win32' ? `/${path.replaceAll('\\', '/')}` : path;
}

function status(found: fs.BigIntStats): Status {
  return { directory: found.isDirectory(), bytes: Number(found.size), inode: found.ino };
}

export class NodeFiles implements Files {
  open(path: string, options: OpenOptions): OpenFile {
    const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC } = fs.constants;
    const flags =
      (options.write ? O_RDWR : O_RDONLY) |
      (options.create ? O_CREAT : 0) |
      (options.exclusive ? O_EXCL : 0) |
      (options.truncate ? O_TRUNC : 0);
    const fd = translated(() => fs.openSync(systemPath(path), flags, 0o666));
    return {
      status: () => translated(() => status(fs.fstatSync(fd, { bigint: true }))),
      read: (to, at) => translated(() => fs.readSync(fd, to, 0, to.length, at)),
      write: (from, at) => {
        for (let done = 0; done < from.length; )
          done += translated(() => fs.writeSync(fd, from, done, from.length - done, at + done));
      },
      close: () => translated(() => fs.closeSync(fd)),
    };
  }
  status(path: string): Status {
    return translated(() => status(fs.statSync(systemPath(path), { bigint: true })));
  }
  list(path: string): string[] {
    return translated(() => fs.readdirSync(systemPath(path)).sort());
  }
  remove(path: string): void {
    translated(() => fs.unlinkSync(systemPath(path)));
  }
  rename(from: string, to: string): void {
    translated(() => fs.renameSync(systemPath(from), systemPath(to)));
  }
}
