# Mounts for containers: directories of the host into one that runs, in the place of those it was made with, and root file systems from layers.
#
# Node has no system calls. This program is told on standard input what to do, a line a job, and answers each on standard output:
#
#   N probe DIR                                                     can DIR be mounted with other ids?
#   N mount PID START FROM TO SIZE (SOURCE DESTINATION FLAGS MAPPED)…
#   N overlay TARGET FROM TO SIZE UPPER WORK OPTIONS LAYER…         UPPER and WORK empty: read-only; the topmost layer first
#   N memory TARGET SIZE OWNER                                     an empty file system in memory
#   N hold NAME ROOT DIR                                            yes, where DIR of one whose root is ROOT is there, and has nothing in it; then it is held
#   N let-go NAME                                                   yes, where what is held has nothing in it still
#   N unmount TARGET                                                all that lies there, however many
#   N resolve ROOT PATH                                             where PATH leads for one whose root is ROOT
#   N read ROOT PATH LIMIT                                          the same, and what the file holds
#   N sever PID BELOW PROCESS…                                     shuts their connections to Unix sockets below BELOW; PID tells their network namespace
#   N hangup PATH                                                   connects to a socket (SOCK_SEQPACKET), and leaves
#   N pipes PATH…                                                   makes named pipes, in the place of what was there
#
#   N ok [TEXT]        N error TEXT
#
# Fields are percent-encoded. PID is the container's first process and START when that began (field 22 of /proc/PID/stat). FLAGS are
# MOUNT_ATTR_*; where MAPPED is 1, ids FROM…FROM+SIZE-1 on disk appear as TO…TO+SIZE-1. It ends when its input does.
use strict;
use warnings;

$| = 1;
my $arm = ($ENV{SUBAKO_ARCH} // '') eq 'arm64';
my %NR = (
  open_tree => 428, move_mount => 429, openat2 => 437, mount_setattr => 442,
  setns => $arm ? 268 : 308, unshare => $arm ? 97 : 272, umount2 => $arm ? 39 : 166, prctl => $arm ? 167 : 157,
  exit_group => $arm ? 94 : 231, mount => $arm ? 40 : 165, mknodat => $arm ? 33 : 259, pidfd_open => 434, pidfd_getfd => 438,
);
use constant {
  AT_FDCWD => -100, AT_SYMLINK_NOFOLLOW => 0x100, AT_EMPTY_PATH => 0x1000, O_CLOEXEC => 0x80000, O_PATH => 0x280000,
  OPEN_TREE_CLONE => 1, MOVE_EMPTY_PATHS => 0x44, MNT_DETACH => 2, UMOUNT_NOFOLLOW => 8, EINVAL => 22, ENOENT => 2, ENOTDIR => 20, ELOOP => 40,
  O_READ => 0x80800, O_DIRECTORY_PATH => 0x290000, RESOLVE_NO_LINKS => 0x06, RESOLVE_BENEATH => 0x08, RESOLVE_NO_MAGIC => 0x02, RESOLVE_IN_ROOT => 0x10, MS_NOSUID_NODEV => 6, MS_RDONLY => 1, MS_NOEXEC => 8, MOUNT_ATTR_IDMAP => 0x100000, MS_PRIVATE => 0x40000,
  CLONE_NEWNS => 0x20000, CLONE_NEWUSER => 0x10000000, PR_SET_PDEATHSIG => 1, SIGKILL => 9,
};

# Each gives the text of its answer, or nothing.
my %JOBS = (
  probe => sub { probe(@_); undef },
  mount => sub { mount_all(@_); undef },
  overlay => sub { overlay(@_); undef },
  memory => sub { memory(@_); undef },
  hold => \&hold,
  'let-go' => \&let_go,
  unmount => sub { unmount(@_); undef },
  show => sub { show(@_); undef },
  resolve => \&resolve,
  read => \&read_in,
  pipes => sub { pipes(@_); undef },
  hangup => sub { hangup(@_); undef },
  sever => sub { sever(@_); undef },
);

# Directories by name: held open, they can be looked into when everyone who had them mounted is gone.
my %held;

# A process in a user namespace whose ids are still to be written: made before it is needed.
my $ready;
my $self = $$;
eval { keep_ready() };
while (defined(my $line = <STDIN>)) {
  chomp $line;
  my ($number, $what, @fields) = map { s/%([0-9A-Fa-f]{2})/chr hex $1/ger } split / /, $line;
  my $text = '';
  my $done = eval { $text = ($JOBS{$what} // die "no such job\n")->(@fields) // ''; 1 };
  print $number, ' ', $done ? 'ok ' . encoded($text) : 'error ' . encoded($@), "\n";
  eval { keep_ready() };    # the next job that needs it tries again, and tells
}

sub probe {
  my ($dir) = @_;
  detached($dir, 0, user_namespace(1, 2, 1));
}

sub mount_all {
  my ($pid, $start, $from, $to, $size, @mounts) = @_;
  open my $space, '<', "/proc/$pid/ns/mnt" or die "its mount namespace: $!\n";
  # Only now: what was opened belongs to whoever is this process after it was opened, too.
  die "it is gone\n" if started($pid) ne $start;
  my ($ids, @trees);
  while (my ($source, $destination, $flags, $mapped) = splice @mounts, 0, 4) {
    $ids //= user_namespace($from, $to, $size) if $mapped;
    push @trees, [detached($source, $flags, $mapped ? $ids : undef), $destination];
  }
  # A process of its own: whatever happens in there, this one stays where it is.
  pipe my $answer, my $told or die "pipe: $!\n";
  my $child = fork // die "fork: $!\n";
  if ($child == 0) {
    eval { enter($space); put_all(@trees); 1 } or syswrite $told, $@;
    exit_now();
  }
  close $told;
  my $said = do { local $/; <$answer> };
  waitpid $child, 0;
  die $said if $said ne '';
  die "it ended by itself ($?)\n" if $? != 0;
}

# Every directory is named by a descriptor: no character of a path means anything to overlayfs.
sub overlay {
  my ($target, $from, $to, $size, $upper, $work, $options, @layers) = @_;
  my $ids = $to == $from ? undef : user_namespace($from, $to, $size);
  my @trees = map { detached($_, 0, $ids) } @layers;
  my @own = map { place($_) } grep { $_ ne '' } $upper, $work;
  my @parts = ('lowerdir=' . join ':', map { by_descriptor($_) } @trees);
  push @parts, 'upperdir=' . by_descriptor($own[0]), 'workdir=' . by_descriptor($own[1]) if @own;
  push @parts, $options if $options ne '';
  my ($kind, $text) = ("overlay", join ',', @parts);
  my $flags = MS_NOSUID_NODEV | (@own ? 0 : MS_RDONLY);
  my $at = "$target";
  my $result = syscall $NR{mount}, $kind, $at, $kind, $flags, $text;
  if ($result != 0 && $! == EINVAL) {
    # Before Linux 6.15, layers had to be mounted somewhere: below what is mounted on top of them.
    for my $tree (@trees) { attach($tree, place($target)) }
    $result = syscall $NR{mount}, $kind, $at, $kind, $flags, $text;
  }
  if ($result != 0) {
    my $why = "$!";
    eval { unmount($target) };
    die "overlay: $why\n";
  }
  my $none = "";
  my $private = pack 'QQQQ', 0, 0, MS_PRIVATE, 0;
  call('mount_setattr', fileno place($target), $none, AT_EMPTY_PATH, $private, length $private);
}

sub by_descriptor {
  my ($handle) = @_;
  return '/proc/self/fd/' . fileno $handle;
}

sub memory {
  my ($target, $size, $owner) = @_;
  my ($kind, $at, $text) = ("tmpfs", "$target", "mode=1777,size=$size,uid=$owner,gid=$owner");
  die "mounting: $!\n" if syscall($NR{mount}, $kind, $at, $kind, MS_NOSUID_NODEV | MS_NOEXEC, $text) != 0;
  my ($none, $private) = ("", pack 'QQQQ', 0, 0, MS_PRIVATE, 0);
  call('mount_setattr', fileno place($target), $none, AT_EMPTY_PATH, $private, length $private);
}

sub hold {
  my ($name, $root, $path) = @_;
  my $there = in_root($root, $path, O_PATH) // return '';
  return '' unless is_empty($there);
  $held{$name} = $there;
  return 'yes';
}

sub let_go {
  my ($name) = @_;
  my $there = delete $held{$name} // return '';
  return is_empty($there) ? 'yes' : '';
}

sub is_empty {
  my ($there) = @_;
  opendir my $dir, by_descriptor($there) or return 0;
  return !grep { $_ ne '.' && $_ ne '..' } readdir $dir;
}

sub unmount {
  my ($target) = @_;
  my $at = "$target";
  for (1 .. 1000) {
    next if syscall($NR{umount2}, $at, MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
    return if $! == EINVAL || $! == ENOENT;
    die "unmounting: $!\n";
  }
}

# A directory below another one, held by a descriptor from the look at its path to the mount: no link leads there.
sub show {
  my ($target, $root, $path) = @_;
  my ($at, $how, $none) = ($path eq '' ? '.' : "$path", pack('QQQ', O_DIRECTORY_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_LINKS), "");
  my $dir = handle(call('openat2', fileno place($root), $at, $how, length $how));
  my $tree = handle(call('open_tree', fileno $dir, $none, OPEN_TREE_CLONE | AT_EMPTY_PATH | O_CLOEXEC));
  my $set = pack 'QQQQ', MS_NOSUID_NODEV, 0, MS_PRIVATE, 0;
  call('mount_setattr', fileno $tree, $none, AT_EMPTY_PATH, $set, length $set);
  attach($tree, place($target));
}

sub resolve {
  my ($root, $path) = @_;
  my $there = in_root($root, $path, O_PATH) // return '';
  my $whole = readlink by_descriptor($there) // die "where it is: $!\n";
  my $top = readlink by_descriptor(place($root)) // die "where its root is: $!\n";
  die "it lies outside\n" unless $whole eq $top || index($whole, "$top/") == 0;
  return '/' . substr $whole, length($top) + ($whole eq $top ? 0 : 1);
}

sub read_in {
  my ($root, $path, $limit) = @_;
  my $file = in_root($root, $path, O_READ) // return '';
  -f $file or return '';
  my $text = '';
  while (length $text < $limit) {
    my $got = sysread $file, $text, $limit - length $text, length $text;
    die "reading: $!\n" unless defined $got;
    last if $got == 0;
  }
  return $text;
}

# No symbolic link in there leads out. Nothing where there is no such file.
sub in_root {
  my ($root, $path, $flags) = @_;
  my $how = pack 'QQQ', $flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGIC;
  my $at = "$path";
  my $fd = syscall $NR{openat2}, fileno place($root), $at, $how, length $how;
  return handle($fd) if $fd >= 0;
  return undef if $! == ENOENT || $! == ENOTDIR || $! == ELOOP;
  die "openat2: $!\n";
}

sub hangup {
  my ($path) = @_;
  socket my $socket, 1, 5, 0 or die "socket: $!\n";
  connect $socket, pack 'S a108', 1, $path or die "connecting: $!\n";
  close $socket;
}

# As if the other end had gone: both ends are told, whatever the process does with its own.
sub sever {
  my ($first, $below, @pids) = @_;
  my $space = readlink "/proc/$first/ns/net" // return;
  for my $pid (@pids) {
    my $fd = syscall $NR{pidfd_open}, $pid + 0, 0;
    next if $fd < 0;
    my $process = handle($fd);
    # Only now: until it was opened, the number could become another process's.
    next if (readlink "/proc/$pid/ns/net" // '') ne $space;
    opendir my $dir, "/proc/$pid/fd" or next;
    for my $one (grep { /^\d+$/ } readdir $dir) {
      next unless (readlink "/proc/$pid/fd/$one" // '') =~ /^socket:/;
      my $got = syscall $NR{pidfd_getfd}, fileno $process, $one + 0, 0;
      next if $got < 0;
      my $socket = handle($got);
      my ($family, $path) = unpack 'S Z*', getpeername $socket // next;
      shutdown $socket, 2 if $family == 1 && index($path, $below) == 0;
    }
  }
}

sub pipes {
  for my $path (@_) {
    my $at = "$path";
    unlink $at;
    call('mknodat', AT_FDCWD, $at, 010600, 0);
  }
}

sub place {
  my ($dir) = @_;
  my ($at, $how) = ("$dir", pack 'QQQ', O_PATH, 0, 0);
  return handle(call('openat2', AT_FDCWD, $at, $how, length $how));
}

sub attach {
  my ($mount, $target) = @_;
  my ($none, $nothing) = ("", "");
  call('move_mount', fileno $mount, $none, fileno $target, $nothing, MOVE_EMPTY_PATHS);
}

sub enter {
  my ($space) = @_;
  call('setns', fileno $space, CLONE_NEWNS);
}

# Those it was made with are taken away first, the innermost before what they lie in.
sub put_all {
  my @trees = @_;
  for my $tree (reverse @trees) {
    my $at = "$tree->[1]";
    my $left = syscall $NR{umount2}, $at, MNT_DETACH | UMOUNT_NOFOLLOW;
    die "unmounting $at: $!\n" if $left != 0 && $! != EINVAL;
  }
  for my $tree (@trees) {
    my ($mount, $at) = ($tree->[0], "$tree->[1]");
    my $how = pack 'QQQ', O_PATH, 0, RESOLVE_NO_LINKS;
    attach($mount, handle(call('openat2', AT_FDCWD, $at, $how, length $how)));
  }
}

# The directory as a mount of its own that lies nowhere yet.
sub detached {
  my ($source, $flags, $ids) = @_;
  my $path = "$source";
  my $tree = handle(call('open_tree', AT_FDCWD, $path, OPEN_TREE_CLONE | AT_SYMLINK_NOFOLLOW | O_CLOEXEC));
  my $set = pack 'QQQQ', $flags | ($ids ? MOUNT_ATTR_IDMAP : 0), 0, MS_PRIVATE, $ids ? fileno $ids : 0;
  my $none = "";
  call('mount_setattr', fileno $tree, $none, AT_EMPTY_PATH, $set, length $set);
  return $tree;
}

# In it, ids of the disk are the names of ids that the container has.
sub user_namespace {
  my ($from, $to, $size) = @_;
  keep_ready();
  my ($pid, $hold) = @{$ready};
  undef $ready;
  my $made = eval {
    for my $map ('uid_map', 'gid_map') {
      open my $file, '>', "/proc/$pid/$map" or die "$map: $!\n";
      syswrite $file, "$from $to $size\n" or die "$map: $!\n";
      close $file or die "$map: $!\n";
    }
    open my $space, '<', "/proc/$pid/ns/user" or die "its user namespace: $!\n";
    $space;
  };
  my $why = $@;
  kill 'KILL', $pid;
  waitpid $pid, 0;
  return $made // die $why;
}

sub keep_ready {
  return if $ready;
  pipe my $answer, my $told or die "pipe: $!\n";
  my $child = fork // die "fork: $!\n";
  if ($child == 0) {
    my $made = syscall($NR{unshare}, CLONE_NEWUSER) == 0;
    syscall $NR{prctl}, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0;
    syswrite $told, $made ? 'ok' : "a user namespace: $!";
    close STDIN;
    close STDOUT;
    # It may have missed the end of the one who made it.
    sleep 1 while $made && getppid() == $self;
    exit_now();
  }
  close $told;
  my $said = do { local $/ = \2; <$answer> } // '';
  $ready = [$child];
  return if $said eq 'ok';
  $said .= do { local $/; <$answer> } // '';
  waitpid $child, 0;
  undef $ready;
  die "$said\n";
}

sub started {
  my ($pid) = @_;
  open my $file, '<', "/proc/$pid/stat" or return '';
  my $stat = <$file> // '';
  return (split / /, $stat =~ s/.*\) //sr)[19] // '';
}

sub call {
  my ($name, @arguments) = @_;
  my $result = syscall $NR{$name}, @arguments;
  die "$name: $!\n" if $result < 0;
  return $result;
}

sub handle {
  my ($fd) = @_;
  open my $handle, '<&=', $fd or die "descriptor $fd: $!\n";
  return $handle;
}

# At once: what perl does at an end is another process's to do.
sub exit_now {
  syscall $NR{exit_group}, 0;
}

sub encoded {
  my ($text) = @_;
  chomp $text;
  return $text =~ s/([^A-Za-z0-9_.:\/-])/sprintf '%%%02X', ord $1/ger;
}
