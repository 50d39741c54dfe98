# Lays out a release inside a container of its own: a tar archive comes in at standard input, the draft of the release lies at /srv/subako, what
# outlives releases at /srv/sites. Whatever the archive holds, nothing else is within reach, and it is the site's user who does this.
# The variable STAGE says how far: `unpack`; or `settle`, of what was unpacked and then built; or `whole` for both.
# Arguments, "--" between them: names of files whose texts are wanted; of directories that are the document root if they are there; directories of
# the code that outlive releases; and such below the document root. Prints what it found, names and texts in hex.
use strict;
use warnings;

my @lists = ([]);
for my $word (@ARGV) {
  if ($word eq '--') { push @lists, [] }
  else { push @{ $lists[-1] }, $word }
}
my @manifests = @{ $lists[0] };
my @roots = @{ $lists[1] };
my ($code, $files, $bytes) = ('code', 0, 0);
my $MOST_TEXT = 65536;
my $MOST_NAMES = 1000;
my $DEEPEST = 200;

chdir '/srv/subako' or die "draft: $!\n";
my $stage = $ENV{STAGE} // 'whole';
unpack_archive() if $stage ne 'settle';
look($code, 0);
my @top = names($code);
fail('archive', 'there is nothing in it') if @top == 0;
my ($root) = grep { !-l "$code/$_" && -d _ } @roots;
if ($stage ne 'unpack') {
  share($_, $code) for @{ $lists[2] };
  share($_, defined $root ? "$code/$root" : $code) for @{ $lists[3] };
}
print "files $files\nbytes $bytes\n";
print 'root ', unpack('H*', $root), "\n" if defined $root;
splice @top, $MOST_NAMES if @top > $MOST_NAMES;
for my $name (@top) {
  my $path = "$code/$name";
  print 'top ', unpack('H*', $name), ' ', (!-l $path && -d _ ? 'd' : 'f'), "\n";
}
for my $name (@manifests) {
  my $path = "$code/$name";
  next if -l $path || !-f _;
  open my $file, '<:raw', $path or next;
  read $file, my $text, $MOST_TEXT + 1;
  fail('manifest', "$name is too long") if length $text > $MOST_TEXT;
  print 'text ', unpack('H*', $name), ' ', unpack('H*', $text), "\n";
}

sub unpack_archive {
  mkdir $code or die "draft: $!\n";
  my @tar = ('tar', '--extract', '--file=-', "--directory=$code", '--no-same-owner', '--no-same-permissions', '--delay-directory-restore', '--warning=none');
  system { $tar[0] } @tar;
  fail('archive', 'it is no whole tar archive, or holds what cannot be unpacked') if $? != 0;

  # An archive of a project often holds one directory with all of it.
  my @top = names($code);
  my $only = "$code/$top[0]" if @top == 1 && $top[0] !~ /^(?:public|web|htdocs|docroot)$/;
  if (defined $only && !-l $only && -d _) {
    chmod 0755, $code, $only;
    rename $only, 'inner' and rmdir $code and rename 'inner', $code or die "draft: $!\n";
  }
}

# Counts what is there, lets everyone read it, and refuses what is neither file, directory nor link.
sub look {
  my ($dir, $depth) = @_;
  fail('archive', "directories lie more than $DEEPEST deep in it") if $depth > $DEEPEST;
  chmod 0755, $dir or die "draft: $!\n";
  for my $name (names($dir)) {
    my $path = "$dir/$name";
    my @stat = lstat $path;
    if (-l _) { $files++ }
    elsif (-d _) { look($path, $depth + 1) }
    elsif (-f _) {
      $files++;
      $bytes += $stat[7];
      chmod($stat[2] & 0100 ? 0755 : 0644, $path) or die "draft: $!\n";
    }
    else { fail('archive', 'it holds a device, a pipe or a socket') }
  }
}

# In the place of a directory that outlives releases is a link. What the first release has in it becomes the first of what lasts.
sub share {
  my ($dir, $above) = @_;
  my @parts = split m{/}, $dir;
  my $kept = '/srv/sites';
  for my $part (@parts) {
    $kept .= "/$part";
    next if !-l $kept && -d _;
    mkdir $kept or fail('shared', "$dir: $!");
  }
  my $place = "$above/$dir";
  for my $part (@parts[0 .. $#parts - 1]) {
    $above .= "/$part";
    next if !-l $above && -d _;
    mkdir $above or fail('shared', "$dir lies below something that is no directory");
  }
  if (!-l $place && -d _) {
    run('cp', '--archive', '--update=none', '--', "$place/.", $kept);
    run('rm', '-rf', '--', $place);
  }
  else { unlink $place }
  symlink "/data/$dir", $place or fail('shared', "$dir: $!");
}

sub run {
  system { $_[0] } @_;
  fail('shared', "$_[0] failed") if $? != 0;
}

sub names {
  my ($dir) = @_;
  opendir my $handle, $dir or die "draft: $!\n";
  return sort grep { $_ ne '.' && $_ ne '..' } readdir $handle;
}

sub fail {
  my ($what, $why) = @_;
  print "fail $what ", unpack('H*', $why), "\n";
  exit 3;
}
