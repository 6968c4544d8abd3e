# The words of build.sh, for Windows; elsewhere it hands them on. Needed: the .NET 10 SDK and the C++ build tools.
param(
    [Parameter(Position = 0)][string] $Word = 'build',
    [Parameter(Position = 1, ValueFromRemainingArguments = $true)][string[]] $Rest
)

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_UI_LANGUAGE = 'en'
if ($null -eq $Rest) { $Rest = @() }

if ($PSVersionTable.PSEdition -eq 'Core' -and -not $IsWindows) {
    & bash ./build.sh $Word @Rest
    exit $LASTEXITCODE
}

$artifacts = Join-Path $PSScriptRoot 'artifacts'
$binary = Join-Path $PSScriptRoot 'dist\poetry.exe'
$rid = if ($env:PROCESSOR_ARCHITECTURE -eq 'ARM64') { 'win-arm64' } else { 'win-x64' }

function Assert-Success { if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE } }

function Build-Binary {
    $native = Join-Path $artifacts 'native'
    $out = Join-Path $native "out\$rid"
    Write-Host "Building dist\poetry.exe for $rid."
    & dotnet publish poetry.csproj -r $rid -o $out -v:quiet -warnaserror `
        -p:PoetryPublish=true "-p:ArtifactsPath=$native"
    Assert-Success
    New-Item -ItemType Directory -Force dist | Out-Null
    Move-Item -Force (Join-Path $out 'poetry.exe') $binary
}

function Invoke-Tests([string[]] $Arguments) {
    $env:POETRY_BINARY = $binary
    $log = @(& dotnet test --project tests --no-progress @Arguments 2>&1 | ForEach-Object { Write-Host $_; "$_" })
    $code = $LASTEXITCODE
    $count = @{ total = -1; succeeded = 0; failed = 1; skipped = 0 }
    foreach ($line in $log) {
        if ($line -match '^\s*(total|succeeded|failed|skipped): (\d+)\s*$') { $count[$Matches[1]] = [int]$Matches[2] }
    }
    Write-Host "$($count.succeeded) passed, $($count.failed) failed, $($count.skipped) skipped"
    exit $code
}

# One server, one download, every byte compared.
function Invoke-Demo {
    $work = New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid()))
    $ready = Join-Path $work 'ready.txt'
    $server = Start-Process $binary 'serve', 'poetry/ecstasy.txt' -NoNewWindow -PassThru `
        -RedirectStandardOutput $ready -RedirectStandardError (Join-Path $work 'log.txt')
    try {
        while (-not $server.HasExited -and -not (Get-Content $ready -ErrorAction SilentlyContinue)) { Start-Sleep -Milliseconds 50 }
        $line = Get-Content $ready | Select-Object -First 1
        Write-Host $line
        if ($line -notmatch ':(\d+)\.$') { throw 'the server did not become ready' }
        $got = Join-Path $work 'got.txt'
        & $binary get --progress lines --output $got $Matches[1]
        Assert-Success
        $same = (Get-FileHash $got).Hash -eq (Get-FileHash 'poetry/ecstasy.txt').Hash
        Write-Host $(if ($same) { 'The same bytes.' } else { 'Other bytes!' })
        if (-not $same) { exit 1 }
    }
    finally {
        if (-not $server.HasExited) { $server.Kill(); $server.WaitForExit() }
        Remove-Item -Recurse -Force $work
    }
}

switch ($Word) {
    'build' { Build-Binary }
    'test' { Build-Binary; Invoke-Tests $Rest }
    'demo' { Build-Binary; Invoke-Demo }
    'traces' { & dotnet run --project tests -- traces @Rest; exit $LASTEXITCODE }
    'pack' { & dotnet pack package/Poetry.Net.csproj -c Release -o dist -warnaserror; exit $LASTEXITCODE }
    'clean' { Remove-Item -Recurse -Force dist, artifacts -ErrorAction SilentlyContinue }
    { $_ -in 'bench', 'static', 'torture', 'fuzz', 'man', 'release' } { Write-Host "build.ps1: $Word is for Linux: WSL has it"; exit 2 }
    'help' { Write-Host 'Words: build, test, demo, traces, pack, clean, help; for Linux: bench, static, torture, fuzz, man, release. build.sh help explains them.' }
    default { Write-Host "build.ps1: what is `"$Word`"? Try help."; exit 2 }
}
