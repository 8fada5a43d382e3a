// application.h - painting needs fonts, and fonts need a QGuiApplication: the process's own, or one for the call.
#ifndef SAL_QT_APPLICATION_H
#define SAL_QT_APPLICATION_H

#include <mutex>
#include <memory>

class QGuiApplication;

namespace salina {

class Application {
  public:
    Application(); // throws Failure
    ~Application();
    Application(const Application &) = delete;
    Application &operator=(const Application &) = delete;

  private:
    std::unique_lock<std::recursive_mutex> lock;
    // Qt takes the words that it knows out of the list, so each application has its own.
    int word_count = 3;
    char name[7] = "salina", platform[10] = "-platform", offscreen[10] = "offscreen";
    char *words[4] = { name, platform, offscreen, nullptr };
    std::unique_ptr<QGuiApplication> own;
};

// Whether the calling thread is the GUI thread of a QApplication.
bool in_gui_thread();

} // namespace salina

#endif
